"""An audit as a table."""

from __future__ import annotations

import io

from rich.console import Console

from comp.data.audit.findings import Finding, findings_of
from comp.report.findings import (
    finding_text,
    findings_table,
    note_errors,
    show_findings,
    verdict,
)


def shown(findings: list[Finding]) -> str:
    stream = io.StringIO()
    Console(file=stream, width=100).print(findings_table(findings))
    return stream.getvalue()


def test_a_row_says_what_how_many_where_and_what_to_do() -> None:
    findings = findings_of(
        "truncated", "error", [f"{i}.png" for i in range(1207)], "cut", "fetch again"
    )
    text = shown(findings)
    assert "error" in text
    assert "truncated" in text
    assert "1,207" in text
    assert [f"{i}.png" in text for i in range(6)] == [True] * 5 + [False]
    assert "and 1,202 more" in text
    assert "-> fetch again" in text


def test_a_note_needs_no_advice_and_no_names() -> None:
    note = Finding(kind="images", severity="note", count=9, names=(), words="nine of them")
    assert finding_text(note) == "nine of them"


def test_a_long_set_of_copies_is_cut_in_the_table() -> None:
    copies = " = ".join(f"test/{i}.png" for i in range(1500))
    (finding,) = findings_of("identical-in-test", "note", [copies], "identical images in test")
    assert finding.names == (copies,)
    text = finding_text(finding)
    assert copies[:400] in text
    assert len(text) < 500
    assert text.endswith(f"... ({len(copies) - 400:,} more characters)")


def test_names_are_not_read_as_markup() -> None:
    assert "[red]a[/red].png" in shown(
        findings_of("stray-file", "note", ["[red]a[/red].png"], "files")
    )


def test_names_do_nothing_to_the_terminal() -> None:
    text = shown(
        findings_of("stray-file", "note", ["a\n\x1b[2Jb.dat", "caf\udce9.dat", "ü.dat"], "w")
    )
    assert "a\\n\\x1b[2Jb.dat" in text
    assert "caf\\udce9.dat" in text
    assert "ü.dat" in text


def test_the_verdict_counts_each_severity() -> None:
    notes = [*findings_of("a", "note", ["x"], "w"), *findings_of("b", "note", ["x"], "w")]
    assert verdict([]) == "nothing found"
    assert verdict(notes) == "2 notes"
    assert verdict([*findings_of("c", "error", ["x"], "w"), *notes]) == "1 error, 2 notes"


def test_long_names_stay_whole_in_a_file() -> None:
    stream, name = io.StringIO(), "train/PNEUMONIA/" + 90 * "x" + ".jpeg"
    show_findings(findings_of("truncated", "error", [name], "cut"), Console(file=stream))
    assert name in stream.getvalue()
    assert stream.getvalue().endswith("1 error\n")
    empty = io.StringIO()
    show_findings([], Console(file=empty))
    assert empty.getvalue() == "nothing found\n"


def test_a_dozen_classes_are_shown() -> None:
    (classes,) = findings_of("classes", "note", [f"class {i}" for i in range(14)], "classes")
    text = finding_text(classes)
    assert "class 11" in text
    assert "and 2 more" in text


def test_errors_are_told_in_one_line_each() -> None:
    told: list[str] = []
    errors = findings_of("bad-label", "error", ["a (cow)", "b (\x1b[0m)"], "labels that are wrong")
    errors += [Finding(kind="x", severity="error", count=1, names=(), words="no names")]
    note_errors(told.append, errors)
    assert told == ["error: labels that are wrong: 2, the first is a (cow)", "error: no names"]
