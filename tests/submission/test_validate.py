from __future__ import annotations

from pathlib import Path

import pytest

from comp.errors import SubmissionError
from comp.submission.spec import SubmissionSpec
from comp.submission.validate import fit, validate_submission

SAMPLE = "id,value\n1_1_1,1\n1_1_2,1\n1_2_1,1\n1_2_2,1\n"


def within_one(sample: Path) -> SubmissionSpec:
    return SubmissionSpec(template=sample, limits=(0.0, 1.0))


def check(tmp_path: Path, submission: str, sample: str = SAMPLE) -> int:
    (tmp_path / "sample.csv").write_text(sample)
    (tmp_path / "mine.csv").write_text(submission)
    return validate_submission(tmp_path / "mine.csv", within_one(tmp_path / "sample.csv"))


def refusal(tmp_path: Path, submission: str, sample: str = SAMPLE) -> str:
    with pytest.raises(SubmissionError) as caught:
        check(tmp_path, submission, sample)
    message = str(caught.value)
    assert message.startswith("mine.csv would be refused: ")
    assert "\n" not in message
    return message


def test_a_sound_submission_passes(tmp_path: Path) -> None:
    assert check(tmp_path, "id,value\n1_1_1,0\n1_1_2,0.5\n1_2_1,1\n1_2_2,1e-3\n") == 4


def test_another_header_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "Id,value\n1_1_1,0\n1_1_2,0\n1_2_1,1\n1_2_2,0\n")
    assert "the header is Id,value, the sample has id,value" in message


def test_missing_and_unknown_ids_are_counted_and_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "id,value\n1_1_1,0\n1_2_3,0\n1_2_1,1\n")
    assert "3 rows, the sample has 4" in message
    assert "2 ids are missing, the first is 1_1_2" in message
    assert "1 id is unknown, the first is 1_2_3" in message


def test_a_duplicate_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "id,value\n1_1_1,0\n1_1_1,0\n1_2_1,1\n1_2_2,0\n")
    assert "1 id occurs more than once, the first is 1_1_1" in message


def test_a_swapped_pair_of_rows_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "id,value\n1_1_1,0\n1_2_1,0\n1_1_2,1\n1_2_2,0\n")
    assert "the order differs: rows 2 and 3 are swapped (1_2_1 and 1_1_2)" in message


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("nan", "NaN"),
        ("NULL", "NaN"),
        ("inf", "infinite"),
        ("-inf", "infinite"),
        ("", "empty; the sample has '1'"),
        ('""', "empty; the sample has '1'"),
        ("white", "the text 'white'; the sample has '1'"),
    ],
)
def test_a_value_that_is_no_finite_number_is_named(tmp_path: Path, value: str, kind: str) -> None:
    message = refusal(tmp_path, f"id,value\n1_1_1,0\n1_1_2,0\n1_2_1,{value}\n1_2_2,0\n")
    assert message.endswith(f"1 value of value is not a finite number, first at 1_2_1 ({kind})")


@pytest.mark.parametrize("value", ["-0.01", "1.01", "255"])
def test_a_value_out_of_range_is_named(tmp_path: Path, value: str) -> None:
    message = refusal(tmp_path, f"id,value\n1_1_1,0\n1_1_2,{value}\n1_2_1,0\n1_2_2,0\n")
    assert "1 value of value is not within 0 and 1, first at 1_1_2" in message


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, "id,grey\n1_1_1,nan\n1_1_2,7\n")
    for word in ("header", "missing", "finite", "within"):
        assert word in message


def test_ids_that_look_like_numbers_are_compared_as_text(tmp_path: Path) -> None:
    sample = "id,value\n01,1\n2,1\n"
    assert check(tmp_path, "id,value\n01,0\n2,0\n", sample) == 2
    assert "01" in refusal(tmp_path, "id,value\n1,0\n2,0\n", sample)


def test_a_byte_order_mark_in_the_sample_is_no_difference(tmp_path: Path) -> None:
    assert check(tmp_path, "id,value\na,0\n", "\ufeffid,value\na,1\n") == 1


def test_no_file_is_a_submission_error(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="no file at"):
        validate_submission(tmp_path / "none.csv", SubmissionSpec(template=["a"]))


@pytest.mark.parametrize("content", [b"", b'id,value\n"a,1\n', bytes(range(256))])
def test_a_file_that_is_no_table_is_a_submission_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(SubmissionError):
        validate_submission(tmp_path / "mine.csv", SubmissionSpec(template=["a"]))


def test_ids_may_come_from_the_samples_where_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id,p\nb,0.5\na,0.5\n")
    assert validate_submission(tmp_path / "mine.csv", SubmissionSpec(template=["b", "a"])) == 2
    with pytest.raises(SubmissionError, match="order"):
        validate_submission(tmp_path / "mine.csv", SubmissionSpec(template=["a", "b"]))


def test_a_quoted_header_is_the_same_header(tmp_path: Path) -> None:
    assert check(tmp_path, "id,value\na,0\n", '"id","value"\n"a",1\n') == 1


NAMES = "id,label\na,cat\nb,cat\nc,cat\n"


def check_labels(tmp_path: Path, submission: str, sample: str | None = NAMES) -> int:
    (tmp_path / "sample.csv").write_text(sample or "")
    (tmp_path / "mine.csv").write_text(submission)
    template = tmp_path / "sample.csv" if sample else ["a", "b", "c"]
    spec = SubmissionSpec(template=template, labels=("cat", "dog"))
    return validate_submission(tmp_path / "mine.csv", spec)


@pytest.mark.parametrize("sample", [NAMES, None, "id,label\na,\nb,\nc,\n"])
def test_labels_in_words_pass(tmp_path: Path, sample: str | None) -> None:
    assert check_labels(tmp_path, "id,label\na,dog\nb,cat\nc,dog\n", sample) == 3


@pytest.mark.parametrize(("value", "found"), [("cow", "'cow'"), ("", "None"), ("1", "'1'")])
@pytest.mark.parametrize("sample", [NAMES, None])
def test_a_label_that_is_no_class_is_named(
    tmp_path: Path, value: str, found: str, sample: str | None
) -> None:
    with pytest.raises(SubmissionError) as caught:
        check_labels(tmp_path, f"id,label\na,dog\nb,{value}\nc,dog\n", sample)
    assert f"1 value of label is not a label (cat, dog), first {found} at b" in str(caught.value)


def test_a_word_where_the_sample_has_numbers_is_no_label(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="3 values of label are not finite numbers"):
        check_labels(tmp_path, "id,label\na,dog\nb,cat\nc,dog\n", "id,label\na,0\nb,0\nc,0\n")


def test_words_are_not_judged_where_no_labels_are_known(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id,label\na,anything\n")
    (tmp_path / "sample.csv").write_text("id,label\na,cat\n")
    spec = SubmissionSpec(template=tmp_path / "sample.csv")
    assert validate_submission(tmp_path / "mine.csv", spec) == 1


def test_limits_hold_for_the_numbers_beside_the_labels(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id,label,p\na,cat,0.5\nb,dog,1.5\n")
    spec = SubmissionSpec(template=["a", "b"], limits=(0, 1), labels=("cat", "dog"))
    with pytest.raises(SubmissionError) as caught:
        validate_submission(tmp_path / "mine.csv", spec)
    assert str(caught.value).endswith("1 value of p is not within 0 and 1, first at b (1.5)")


ROWS = "1_1_1,0\n1_1_2,0.5\n1_2_1,1\n1_2_2,1\n"
SOUND = f"id,value\n{ROWS}"


@pytest.mark.parametrize(
    "submission",
    [
        SOUND.rstrip(),
        SOUND.replace("\n", "\r\n"),
        SOUND + "\n\n",
        SOUND.replace("1_1_1", '"1_1_1"').replace("0.5", '"0.5"'),
        SOUND.replace(",0.5", ", 0.5"),
        SOUND.replace(",1\n", ",1.0\n"),
    ],
    ids=["no last newline", "CRLF", "empty lines", "quotes", "a blank", "1.0 for 1"],
)
def test_what_any_reader_of_csv_takes_is_no_fault(tmp_path: Path, submission: str) -> None:
    assert check(tmp_path, submission) == 4


def refusal_of(tmp_path: Path, data: bytes) -> str:
    """The refusal of bytes, without its beginning."""
    (tmp_path / "sample.csv").write_text(SAMPLE)
    (tmp_path / "mine.csv").write_bytes(data)
    with pytest.raises(SubmissionError) as caught:
        validate_submission(tmp_path / "mine.csv", within_one(tmp_path / "sample.csv"))
    return str(caught.value).removeprefix("mine.csv would be refused: ")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named_and_nothing_else(tmp_path: Path, encoding: str) -> None:
    assert (
        refusal_of(tmp_path, SOUND.encode(encoding)) == "it is written in UTF-16: write it in UTF-8"
    )


def test_latin_1_is_named_with_its_line(tmp_path: Path) -> None:
    message = refusal_of(tmp_path, SOUND.replace("1_2_1", "1_2_\xe4").encode("latin-1"))
    assert message.startswith("line 4 is in Latin-1 or Windows-1252: write it in UTF-8; 1 id is ")
    assert "unknown, the first is 1_2_\xe4" in message


def test_a_byte_order_mark_is_named_unless_the_sample_has_one(tmp_path: Path) -> None:
    message = refusal_of(tmp_path, SOUND.encode("utf-8-sig"))
    assert message == "it begins with a byte order mark (BOM): write it as plain UTF-8"
    assert check(tmp_path, "\ufeff" + SOUND, "\ufeff" + SAMPLE) == 4


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator_is_named_and_nothing_else(tmp_path: Path, mark: str, word: str) -> None:
    message = refusal_of(tmp_path, SOUND.replace(",", mark).encode())
    assert message == f"its columns are separated by {word}: write commas"


def test_faults_of_form_and_faults_of_rows_come_at_once(tmp_path: Path) -> None:
    data = SOUND.replace(",", ";").replace("0.5", "nan").replace("1_2_2", "x").encode("utf-16")
    message = refusal_of(tmp_path, data)
    for words in ("UTF-16", "semicolons", "1 id is missing", "1 id is unknown", "(NaN)"):
        assert words in message


def test_a_missing_header_is_not_taken_for_a_missing_row(tmp_path: Path) -> None:
    assert refusal(tmp_path, ROWS).endswith("the header is 1_1_1,0, the sample has id,value")


def test_the_index_of_pandas_is_named_and_nothing_else(tmp_path: Path) -> None:
    rows = "".join(f"{i},{line}\n" for i, line in enumerate(ROWS.split()))
    message = refusal(tmp_path, f",id,value\n{rows}")
    assert message.endswith(
        ": the header is ,id,value (an index column: write it with index=False), "
        "the sample has id,value"
    )


def test_ids_in_another_column_are_found_by_its_name(tmp_path: Path) -> None:
    rows = "".join(",".join(line.split(",")[::-1]) + "\n" for line in ROWS.split())
    message = refusal(tmp_path, f"value,id\n{rows}")
    assert message.endswith(": the header is value,id, the sample has id,value")


def test_a_decimal_comma_is_named_with_its_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, SOUND.replace("0.5", "0,5"))
    assert "line 3 has 3 fields (a decimal comma?), the header has 2" in message


def test_a_header_without_end_is_cut_in_the_message(tmp_path: Path) -> None:
    assert len(refusal(tmp_path, "x" * 100_000)) < 400


def test_many_values_of_several_kinds_are_counted(tmp_path: Path) -> None:
    message = refusal(tmp_path, "id,value\n1_1_1,nan\n1_1_2,\n1_2_1,nan\n1_2_2,high\n")
    assert (
        "4 values of value are not finite numbers, first at 1_1_1 (2 NaN, 1 empty, 1 the" in message
    )


def test_an_empty_id_does_not_pass_for_any(tmp_path: Path) -> None:
    message = refusal(tmp_path, SOUND.replace("1_1_2", ""))
    assert "1 id is missing, the first is 1_1_2; 1 id is unknown, the first is empty" in message


def test_a_file_fits_by_its_ids_and_better_by_its_header_too(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text(SAMPLE)
    (tmp_path / "mine.csv").write_text(SOUND)
    assert fit(tmp_path / "mine.csv", tmp_path / "sample.csv") == 2
    assert fit(tmp_path / "mine.csv", ["1_2_1"]) == 1
    assert fit(tmp_path / "mine.csv", ["a", "b"]) == 0
    (tmp_path / "mine.csv").write_text(ROWS)
    assert fit(tmp_path / "mine.csv", tmp_path / "sample.csv") == 1


@pytest.mark.parametrize("folder", ["data [1]", "a*", "who?"])
def test_a_path_is_no_pattern(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    assert check(tmp_path / folder, SOUND) == 4
    assert "1 id is unknown" in refusal(tmp_path / folder, SOUND.replace("1_1_1", "x"))
    assert fit(tmp_path / folder / "mine.csv", tmp_path / folder / "sample.csv") == 2


RLE = "id,rle\na,{0}\nb,{0}\nc,{0}\n"


def check_runs(tmp_path: Path, cells: list[str], sample: str) -> int:
    (tmp_path / "sample.csv").write_text(RLE.format(sample))
    rows = "".join(f"{name},{cell}\n" for name, cell in zip("abc", cells, strict=True))
    (tmp_path / "mine.csv").write_text(f"id,rle\n{rows}")
    spec = SubmissionSpec(
        template=tmp_path / "sample.csv", rle=("rle",), labels=("salt",), pixels={"c": 9}
    )
    return validate_submission(tmp_path / "mine.csv", spec)


@pytest.mark.parametrize("sample", ["", "1 1", "0", "5 5"])
def test_run_lengths_pass_whatever_the_sample_has(tmp_path: Path, sample: str) -> None:
    assert check_runs(tmp_path, ["", "3 4 9 1", "1 9"], sample) == 3


def test_run_lengths_beyond_their_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="first at c: the runs end at pixel 10, and the last"):
        check_runs(tmp_path, ["", "1 99", "2 9"], "1 1")


def test_a_blank_cell_is_no_empty_mask_where_the_sample_has_a_mark(tmp_path: Path) -> None:
    assert check_runs(tmp_path, ["-1", "3 4", "-1"], "-1") == 3
    with pytest.raises(SubmissionError, match="'' is not what the sample has for an empty mask"):
        check_runs(tmp_path, ["", "3 4", "-1"], "-1")


def test_several_labels_in_a_cell_are_each_checked(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("id,label\na,cat\nb,cat\n")
    (tmp_path / "mine.csv").write_text("id,label\na,cat dog\nb,dog cow\n")
    spec = SubmissionSpec(template=tmp_path / "sample.csv", labels=("cat", "dog"), separator=" ")
    with pytest.raises(SubmissionError, match=r"1 value of label is not a label .*'dog cow' at b"):
        validate_submission(tmp_path / "mine.csv", spec)


def test_a_stray_number_is_no_label_that_looks_like_a_number(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id,label\na,1\nb,0\n")
    (tmp_path / "sample.csv").write_text("id,label\na,1\nb,1\n")
    for template in (tmp_path / "sample.csv", ["a", "b"]):
        spec = SubmissionSpec(template=template, labels=("1", "2", "3"))
        with pytest.raises(SubmissionError, match=r"not a label .*first '0' at b"):
            validate_submission(tmp_path / "mine.csv", spec)
