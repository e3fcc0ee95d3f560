"""How one device stands right now, check by check; it is judged for it and nothing is kept."""

from ostiary.baselines.domain.case import judge_case
from ostiary.baselines.domain.standing import Standing, Verdict
from ostiary.baselines.queries import list_verdicts
from ostiary.baselines.services.cases import read_asked, read_cases
from ostiary.devices.facade import UnusableDevice, get_device


def look_at(device: str, *, now: float) -> Standing:
    """Return how a device stands at a moment (seconds since the epoch).

    Raises:
        UnknownDevice: when there is none.
        UnusableDevice: when it is neither active nor in quarantine.
    """
    found, asked = get_device(device), read_asked()
    cases = read_cases(asked, now=now, devices=(found.id,))
    if not cases:
        raise UnusableDevice(f"{found.name} is {found.state.value}: nothing is asked of it.")
    opinion = judge_case(cases[0], asked.baselines, asked.requirements, now)
    verdict = list_verdicts((found.id,)).get(found.id)
    if verdict is None:
        verdict = Verdict(
            device=found.id,
            name=found.name,
            owner=found.owner,
            compliant=opinion.compliant,
            until=opinion.until,
            meets=opinion.meets,
            failing=opinion.failing,
            unknown=opinion.unknown,
            required=tuple(one.baseline for one in opinion.required),
        )
    return Standing(
        verdict=verdict,
        platform=cases[0].platform,
        required=opinion.required,
        judgements=(*opinion.of_required, *opinion.others),
    )
