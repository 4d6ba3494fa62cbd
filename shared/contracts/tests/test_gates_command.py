import pytest

from caseway_contracts.gates import __main__ as command
from caseway_contracts.gates import repository


def test_a_base_that_does_not_exist_fails_instead_of_comparing_with_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTRACTS_BASE", "no-such-branch")

    assert command.main() == 2
    assert "no-such-branch names no commit" in capsys.readouterr().out


def test_without_a_base_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(repository, "base", lambda: None)
    monkeypatch.setattr(command, "standing", lambda: iter(()))

    assert command.main() == 0
    assert "no commit to compare with" in capsys.readouterr().out


def test_a_finding_is_a_line_and_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(repository, "base", lambda: None)
    monkeypatch.setattr(repository, "codeowners", lambda: "")

    assert command.main() == 1
    assert "routes: has no owner in CODEOWNERS\n" in capsys.readouterr().out
