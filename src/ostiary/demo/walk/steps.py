"""The walk: every step in its order."""

from collections.abc import Callable
from functools import partial
from typing import Final

from ostiary.config.places import Instance
from ostiary.demo.notes import Notes
from ostiary.demo.walk import as_asker, as_device, as_operator, as_program, as_visitor
from ostiary.demo.walk.report import Report
from ostiary.demo.walk.tour import Tour

STEPS: Final[tuple[Callable[[Tour], str], ...]] = (
    as_visitor.sign_in,
    as_visitor.nobody_passes,
    as_visitor.allowed,
    as_visitor.grant_passes,
    as_program.web_dav,
    as_program.cal_dav,
    as_program.forged_headers,
    as_program.disguised_paths,
    as_visitor.web_socket,
    as_visitor.event_stream,
    as_visitor.refused,
    as_operator.reference_found,
    as_program.program_refused,
    as_program.archive_stays,
    as_asker.access_for_a_while,
    as_device.enrolled,
    as_device.opens_there_alone,
    as_device.cut,
    as_device.mended,
    as_operator.revoked,
    as_operator.console,
    as_visitor.stepped_up,
    as_visitor.signed_out,
    as_operator.status,
    as_operator.record_verified,
)


def walk(instance: Instance, notes: Notes) -> int:
    """Take every step; return 0 when each was as it must be."""
    tour = Tour(instance, notes)
    report = Report()
    try:
        for step in STEPS:
            report.take((step.__doc__ or step.__name__).rstrip("."), partial(step, tour))
    finally:
        tour.close()
    return report.finish()
