"""Pictures are asked for by name; a name that no picture has is refused before anything is started."""

import sys

import pytest
from tests import screenshots


def test_a_name_that_no_picture_has_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def started() -> None:
        pytest.fail("the demo is not started for nothing")

    monkeypatch.setattr(screenshots, "running_demo", started)
    monkeypatch.setattr(sys, "argv", ["screenshots", "--only", "console-rules", "console-ruels"])
    with pytest.raises(SystemExit) as refused:
        screenshots.main()
    assert refused.value.code == 2
    said = capsys.readouterr().err
    assert "no picture is called console-ruels; there are: " in said
    for name in ("portal", "console-services", "console-rules-review"):
        assert name in said
