"""Where what is answered, for programs that find it out by themselves.

Source: AuthZEN Authorization API 1.0, section 9.
"""

from typing import Final

from ostiary.gateway.decider.answers import Answer, json_answer

WELL_KNOWN: Final = "/.well-known/authzen-configuration"
PREFIX: Final = "/access/v1/"
EVALUATION: Final = "/access/v1/evaluation"
EVALUATIONS: Final = "/access/v1/evaluations"
SEARCH_SUBJECT: Final = "/access/v1/search/subject"
SEARCH_RESOURCE: Final = "/access/v1/search/resource"
SEARCH_ACTION: Final = "/access/v1/search/action"


def is_ours(path: str) -> bool:
    """Return whether this API answers at a path."""
    return path == WELL_KNOWN or path.startswith(PREFIX)


def configuration(origin: str) -> Answer:
    """Return the discovery document.

    Args:
        origin: scheme, host and port at which the program asked, without a path.
    """
    content = {
        "policy_decision_point": origin,
        "access_evaluation_endpoint": origin + EVALUATION,
        "access_evaluations_endpoint": origin + EVALUATIONS,
        "search_subject_endpoint": origin + SEARCH_SUBJECT,
        "search_resource_endpoint": origin + SEARCH_RESOURCE,
        "search_action_endpoint": origin + SEARCH_ACTION,
    }
    answer = json_answer(200, content)
    headers = [(name, value) for name, value in answer.headers if name != "cache-control"]
    return Answer(200, [*headers, ("cache-control", "public, max-age=300")], answer.body)
