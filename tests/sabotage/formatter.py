"""Defects of the formatter."""

from tests.sabotage.defects import Defect

FMT = "tests/commands/test_fmt.py"

DEFECTS = [
    Defect(
        "line ends stay as they are",
        "resspec/syntax/parse.py",
        'text = data.decode().removeprefix("\\ufeff").replace("\\r\\n", "\\n")',
        'text = data.decode().removeprefix("\\ufeff")',
        FMT,
    ),
    Defect(
        "a byte-order mark stays",
        "resspec/syntax/parse.py",
        'text = data.decode().removeprefix("\\ufeff").replace("\\r\\n", "\\n")',
        'text = data.decode().replace("\\r\\n", "\\n")',
        FMT,
    ),
    Defect(
        "a file with a mistake in a comment is laid out",
        "resspec/syntax/parse.py",
        " and not any(_unseen(source)):",
        ":",
        f"{FMT}::test_a_comment_that_hides_something_is_a_mistake",
    ),
    Defect(
        "a comment of its own line is put behind the line before",
        "resspec/syntax/words.py",
        "Comment(each[0].rstrip(), each.start() < line_end)",
        "Comment(each[0].rstrip(), start > 0)",
        "tests/syntax/test_format.py",
    ),
    Defect(
        "a comment that trails keeps what stands before it",
        "resspec/syntax/words.py",
        "each[0].rstrip()",
        "each[0]",
        "tests/syntax/test_format.py",
    ),
    Defect(
        "a look writes",
        "resspec/commands/fmt.py",
        "    elif arguments.check:\n        print",
        "    elif False:\n        print",
        f"{FMT}::test_looks_without_writing",
    ),
    Defect(
        "a link becomes a file",
        "resspec/files.py",
        "target = Path(os.path.realpath(path))",
        "target = path",
        FMT,
    ),
    Defect(
        "what was changed meanwhile is written over",
        "resspec/files.py",
        "if read(target, len(before) + 1) != before:",
        "if False:",
        f"{FMT}::test_what_another_process_writes_meanwhile_stays",
    ),
    Defect(
        "what is read-only is written",
        "resspec/files.py",
        "if not target.stat().st_mode & 0o222:",
        "if False:",
        f"{FMT}::test_a_file_that_nobody_may_write_stays",
    ),
    Defect(
        "a layout may be too large to be read again",
        "resspec/commands/fmt.py",
        "if len(found) > MAX_BYTES:",
        "if False:",
        f"{FMT}::test_a_layout_that_is_too_large_is_not_written",
    ),
]
