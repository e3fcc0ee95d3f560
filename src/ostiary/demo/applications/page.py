"""The sample applications' pages: one look, no scripts."""

from html import escape

STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6776;--line:#dde3ea;--paper:#fff;--ground:#f4f6f8;--accent:#0b6e4f}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#9aa7b6;--line:#2c3743;--paper:#18202a;--ground:#10161d;--accent:#5cc8a1}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
header{background:var(--paper);border-bottom:1px solid var(--line);padding:16px 24px;display:flex;gap:16px;align-items:baseline}
header b{font-size:17px}header span{color:var(--soft);font-size:14px}main{max-width:880px;margin:24px auto;padding:0 24px}
section{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:16px 20px;margin:0 0 16px}
h1{font-size:24px;margin:0 0 8px}h2{font-size:17px;margin:0 0 8px}a{color:var(--accent)}p{margin:0 0 8px}
table{border-collapse:collapse;width:100%;font-size:14px}td,th{text-align:left;padding:6px 8px;border-top:1px solid var(--line);vertical-align:top}
td:first-child,th:first-child{white-space:nowrap;padding-left:0}code,td{overflow-wrap:anywhere}code{font:13px ui-monospace,monospace}
input,textarea{font:inherit;width:100%;padding:8px;border:1px solid var(--line);border-radius:6px;background:var(--ground);color:inherit}
button{font:inherit;background:var(--accent);color:var(--paper);border:0;border-radius:6px;padding:8px 16px;margin-top:8px}
small{color:var(--soft)}
"""


def render_page(title: str, subtitle: str, body: str) -> str:
    """Return a whole HTML page. `body` is HTML; title and subtitle are text."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><header><b>{escape(title)}</b><span>{escape(subtitle)}</span></header><main>{body}</main></body></html>"
    )
