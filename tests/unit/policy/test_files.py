"""Reading a policy file from disk, and the check command's text."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from services.cli.policy.check import run_check
from shared.policy import PolicyError, PolicyProblem, load_policy
from shared.policy.values import parse_duration

SHIPPED = (files("services") / "desk.toml").read_text("utf-8")


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "desk.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def only_problem(path: Path) -> PolicyProblem:
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    (problem,) = refused.value.problems
    return problem


def test_a_copy_of_the_shipped_file_is_the_same_policy(tmp_path: Path) -> None:
    assert load_policy(write(tmp_path, SHIPPED)) == load_policy()


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + SHIPPED.replace("\n", "\r\n").encode()
    assert load_policy(write(tmp_path, text)).retention == load_policy().retention


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, '[company]\nname = "x\n'))
    assert problem.path.startswith("line 2")
    assert 'name = "x' in problem.right


def test_a_key_given_twice_names_its_line(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, '[company]\nname = "x"\nname = "y"\n'))
    assert problem.path.startswith("line 3")
    assert "overwrite" in problem.wrong


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    assert only_problem(write(tmp_path, "[company")).wrong


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a = " + b"[" * 5000, "nested too deeply"),
        (b"a = " + b"1" * 5000, "too long"),
        (b"#" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, wrong: str) -> None:
    assert wrong in only_problem(write(tmp_path, content)).wrong


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    assert only_problem(tmp_path / "none.toml").wrong == "there is no such file"
    assert "directory" in only_problem(tmp_path).wrong
    assert only_problem(Path("a\0b")).wrong


def test_the_ical_file_is_found_beside_the_policy(tmp_path: Path) -> None:
    (tmp_path / "closed.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    text = SHIPPED.replace("[calendar]\n", '[calendar]\nical_file = "closed.ics"\n')
    policy = load_policy(write(tmp_path, text))
    assert policy.calendar.ical_file == tmp_path / "closed.ics"
    (tmp_path / "closed.ics").unlink()
    assert only_problem(tmp_path / "desk.toml").path == "calendar.ical_file"


def test_durations() -> None:
    assert parse_duration("90m") == timedelta(minutes=90)
    assert parse_duration("2d") == timedelta(hours=48)
    assert parse_duration(" 24 h ") == timedelta(days=1)


def test_check_reads_the_policy_back() -> None:
    code, text = run_check(None, "en")
    assert code == 0
    assert "Monday to Friday 9:00 to 17:00" in text
    assert run_check(None, "de")[0] == 0


def test_check_lists_the_mistakes(tmp_path: Path) -> None:
    path = write(tmp_path, SHIPPED.replace('"24h"', '"24"'))
    code, text = run_check(path)
    assert code == 1
    assert text.startswith(f"{path} has 2 mistakes:\n- promises[0].first_answer: ")


def test_what_a_service_finds_wrong_is_said_like_any_other_mistake() -> None:
    def examine(_policy: object) -> None:
        raise PolicyError((PolicyProblem("calendar.ical_file", "is cut off", "a whole file"),))

    code, text = run_check(None, "en", examiners=(examine, examine))
    assert code == 1
    assert "- calendar.ical_file: is cut off. Right would be: a whole file." in text
