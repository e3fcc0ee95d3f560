"""The pages that are made from the code say what the code does now."""

from pathlib import Path

import pytest

from ostiary.cli.main import app
from ostiary.cli.reference import command_page
from ostiary.config.document import reference_page
from ostiary.config.places import Instance
from ostiary.config.schema import Configuration
from ostiary.gateway.certificates import authority_file
from ostiary.gateway.plan import BOOTSTRAP_FILE
from ostiary.supervisor import roster

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("page", "made", "command"),
    [
        ("docs/reference/configuration.md", reference_page(), "ostiary config reference"),
        ("docs/reference/cli.md", command_page(app), "ostiary config commands"),
    ],
)
def test_a_made_page_is_up_to_date(page, made, command):
    assert (ROOT / page).read_text() == made, f"renew it: {command} > {page}"


def test_the_supervisor_knows_the_names_that_the_gateway_gives_its_files(tmp_path):
    assert roster.BOOTSTRAP_FILE == BOOTSTRAP_FILE
    instance = Instance(home=tmp_path, configuration=Configuration(domain="example.com"))
    assert instance.authority_certificate == authority_file(instance)
