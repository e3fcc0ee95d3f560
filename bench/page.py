"""How a run is shown: the tables people read, and the page in the documentation. No figure is typed by hand."""

from pathlib import Path

from bench.figures import COLD_SPREAD, GOALS, Figures, last_line

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
START, END = "<!-- figures: written by `python -m bench.gateway --write-docs` -->", "<!-- end of figures -->"
BUSY_LOAD = 0.5
"""Load average before a run above which its figures say little."""


def goals_table(figures: Figures) -> str:
    """Return the goals and what was reached, as Markdown."""
    rows = ["| figure | what it is | must reach | measured | |", "| --- | --- | --- | --- | --- |"]
    for goal in GOALS:
        value = getattr(figures, goal.field)
        shown = "not measured" if value is None else f"{value:g}{goal.unit}"
        verdict = "" if value is None or goal.kind == "reported" else ("met" if goal.met_by(value) else "**missed**")
        rows.append(f"| `{goal.field}` | {goal.meaning} | {goal.words} | {shown} | {verdict} |")
    few, many = figures.cold_decision_us_10, figures.cold_decision_us_10000
    if few and many:
        spread = max(few, many) / min(few, many)
        verdict = "met" if spread <= COLD_SPREAD else "**missed**"
        rows.append(f"| | the two cold figures, larger ÷ smaller | ≤ {COLD_SPREAD:g} | {spread:.2f} | {verdict} |")
    return "\n".join(rows)


def peers_table(figures: Figures) -> str:
    """Return Ostiary beside the alternatives, as Markdown."""
    rows = [
        "| proxy | authorisation | open /s | guarded /s | ratio | proxy µs, open | guarded | decider µs | p99 guarded |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for how, name, share in (
        ("grant", "grant", figures.grant_throughput_ratio),
        ("every request decided", "slow", figures.slow_throughput_ratio),
    ):
        if figures.variants and share is not None:
            free, mine = figures.variants["none"], figures.variants[name]
            rows.append(
                f"| **Ostiary** (Envoy) | {how} | {free.per_second:,.0f} | {mine.per_second:,.0f} | {share:.2f} "
                f"| {free.cpu_us:.0f} | {mine.cpu_us:.0f} | {mine.decider_cpu_us:.0f} | {mine.p99_us / 1000:.1f} ms |"
            )
    for name, peer in (figures.peers or {}).items():
        if isinstance(peer, str):
            rows.append(f"| {name.title()} | {peer} | | | | | | | |")
            continue
        rows.append(
            f"| {name if name == 'nginx' else name.title()} | {peer.how} | {peer.open_per_second:,.0f} "
            f"| {peer.guarded_per_second:,.0f} | {peer.throughput_ratio:.2f} | {peer.open_cpu_us:.0f} "
            f"| {peer.guarded_cpu_us:.0f} | {peer.guarded_decider_cpu_us:.0f} | {peer.guarded_p99_us / 1000:.1f} ms |"
        )
    return "\n".join(rows)


def render_section(figures: Figures) -> str:
    """Return the generated part of the documentation page."""
    machine = figures.machine
    where = (
        f"{machine.processor}, {machine.cores} cores, {machine.memory_mb:,} MiB; {machine.system}; Envoy {machine.envoy}, "
        f"nginx {machine.nginx}, Caddy {machine.caddy}, Apache {machine.apache}, Python {machine.python}; "
        f"load average before the run {machine.load_before:g}"
        if machine
        else "unknown machine"
    )
    how_long = (
        f"Measured on {figures.measured_at} in {figures.took_seconds} s: {figures.rounds} rounds of {figures.seconds} s a "
        f"variant, {figures.revocation_trials} revocations. {where}."
    )
    if machine and machine.load_before > BUSY_LOAD:
        how_long += " **Others were busy on this machine before the run: the figures are worse than it can do.**"
    parts = [how_long, goals_table(figures), peers_table(figures)]
    if figures.resident_mb_by_process:
        shares = ", ".join(f"{name} {size:g}" for name, size in figures.resident_mb_by_process.items())
        parts.append(
            f"Memory in MiB (PSS): {shares}; together {figures.resident_mb:g}. Counted as RSS: {figures.resident_rss_mb:g}."
        )
    parts.append("The last line of that run:")
    parts.append(f"```json\n{last_line(figures)}\n```")
    return "\n\n".join(parts)


def write_page(figures: Figures, page: Path = PAGE) -> None:
    """Replace the generated part of the documentation page; the words around it stay."""
    text = page.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{page.name} has lost the marks between which figures are written")
    page.write_text(f"{before}{START}\n\n{render_section(figures)}\n\n{END}{after}", encoding="utf-8")


def as_terminal_table(figures: Figures) -> str:
    """Return every figure with a goal, aligned, one a line."""
    lines = []
    for goal in GOALS:
        value = getattr(figures, goal.field)
        if value is not None:
            mark = "·" if goal.kind == "reported" else ("✓" if goal.met_by(value) else "✗")
            lines.append(f"{mark} {goal.field:<26}{value:>10g}{goal.unit:<4}  {goal.words}")
    return "\n".join(lines)
