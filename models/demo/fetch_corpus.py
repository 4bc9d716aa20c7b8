#!/usr/bin/env python3
"""Builds the demo model's corpus from four Debian packages that carry public-domain novels.

Writes  <out>/train.txt    one paragraph a line, books separated by a line "<|endoftext|>"
        <out>/heldout.txt  the last 2 % of each book's paragraphs, in the same form without the separators
and checks the SHA-256 of both. Needs `apt-get download` (no root) and `dpkg-deb`.

Only the novels' text is taken. The wrapping of lines, licence headers, editors' notes and transcribers' marks go;
typographic quotes and dashes become ASCII, so that the small vocabulary is spent on words.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

END_OF_TEXT = "<|endoftext|>"
HELD_OUT = 0.02  # of each book: 127 KB together, which the repository ships for the tests
EXPECTED = {
    "train.txt": "32f0821f99858dab3249b7e72b86328c908f290ed9fc159708986ce340b1cb66",
    "heldout.txt": "20b2dd95bdfe11de34d23cc60f392a88746ce71a3b28da404ba25011fefc6a9b",
}
R_INT_PAIR = b"\x00\x00\x00\x0d\x00\x00\x00\x02"  # R serialization: an integer vector of two elements
R_CHARSXP = 9
R_STRSXP = 16


@dataclass(frozen=True)
class Source:
    """One package, the file inside it, and the marks between which the novel lies (None: the file's ends)."""

    package: str
    path: str
    first: str | None = None
    last: str | None = None


SOURCES = [
    Source("r-cran-janeaustenr", "usr/lib/R/site-library/janeaustenr/data/Rdata"),
    Source("r-cran-tokenizers", "usr/lib/R/site-library/tokenizers/data/Rdata", "CHAPTER 1. Loomings", "End of Project Gutenberg"),
    Source(
        "golang-github-klauspost-compress-dev",
        "usr/share/gocode/src/github.com/klauspost/compress/testdata/Mark.Twain-Tom.Sawyer.txt",
        "CHAPTER I",
        "End of the Project Gutenberg",
    ),
    Source(
        "golang-github-jdkato-prose-dev",
        "usr/share/gocode/src/github.com/jdkato/prose/testdata/sherlock.txt",
        "ADVENTURE I. A SCANDAL IN BOHEMIA",
        "End of the Project Gutenberg",
    ),
]


def unpack(package: str, folder: Path) -> Path:
    """Downloads `package` with apt and unpacks it under `folder`; returns the root of its files."""
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
    archive = next(folder.glob(f"{package}_*.deb"))
    root = folder / package
    subprocess.run(["dpkg-deb", "-x", archive, root], check=True)
    return root


def r_strings(data: bytes) -> list[str]:
    """The strings of one serialized R character vector (the XDR form, version 3), attributes ignored."""

    def word(at: int) -> int:
        return int.from_bytes(data[at : at + 4], "big", signed=True)

    at = 14 + 4 + word(14)  # "X\n", three versions, then the length of the native encoding's name and the name
    if word(at) & 0xFF != R_STRSXP:
        raise ValueError(f"expected a character vector, got R type {word(at) & 0xFF}")
    count, at = word(at + 4), at + 8
    strings = []
    for _ in range(count):
        if word(at) & 0xFF != R_CHARSXP:
            raise ValueError(f"expected a string at byte {at}")
        size = max(word(at + 4), 0)  # -1 is NA
        strings.append(data[at + 8 : at + 8 + size].decode("utf-8"))
        at += 8 + size
    return strings


def r_database(stem: Path) -> list[str]:
    """The texts of an R lazy-load database (stem.rdx: index, stem.rdb: zlib blocks after a 4-byte size)."""
    index = zlib.decompress(stem.with_suffix(".rdx").read_bytes(), 47)
    blocks = stem.with_suffix(".rdb").read_bytes()
    texts = []
    for match in re.finditer(re.escape(R_INT_PAIR) + b"(.{4})(.{4})", index, re.DOTALL):
        offset, size = (int.from_bytes(g, "big") for g in match.groups())
        texts.append("\n".join(r_strings(zlib.decompress(blocks[offset + 4 : offset + size]))))
    return texts


def read_books(source: Source, root: Path) -> list[str]:
    """The raw novels of one package."""
    path = root / source.path
    books = [path.read_text("utf-8-sig", errors="replace")] if path.is_file() else r_database(path)
    return [cut(book, source) for book in books]


def cut(book: str, source: Source) -> str:
    """The part of `book` from the last line that is `first` to the text `last`."""
    if source.first:
        # The mark may stand in a table of contents as well, so the last one counts.
        starts = [m.start() for m in re.finditer(rf"^{re.escape(source.first)}\.?\s*$", book, re.MULTILINE)]
        book = book[starts[-1] :]
    if source.last:
        book = book[: book.index(source.last)]
    return book


PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\ufeff": "", "\r": ""})


def paragraphs(book: str) -> list[str]:
    """Unwrapped paragraphs in plain ASCII punctuation."""
    book = book.translate(PLAIN).replace("\u2014", "--").replace("_", "")
    book = re.sub(r"\[[^\]\n]{0,200}\]", "", book)  # notes of transcribers, e.g. [Illustration]
    joined = (re.sub(r"\s+", " ", p).strip() for p in re.split(r"\n\s*\n", book))
    return [p for p in joined if re.search(r"[A-Za-z]", p)]


def split(book: list[str]) -> tuple[list[str], list[str]]:
    """(training paragraphs, held-out paragraphs = the book's end)."""
    left = HELD_OUT * sum(map(len, book))
    at = len(book)
    while left > 0:
        at -= 1
        left -= len(book[at])
    return book[:at], book[at:]


def write_checked(path: Path, text: str) -> None:
    """Writes `text` and says whether it is the text that the shipped model was trained on."""
    data = text.encode()
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    same = digest == EXPECTED[path.name]
    print(f"{path}: {len(data)} bytes, sha256 {digest}, {'as expected' if same else 'NOT the text of the shipped model'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("corpus"), help="folder for train.txt and heldout.txt (default: ./corpus)")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    train: list[str] = []
    held: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for source in SOURCES:
            for book in read_books(source, unpack(source.package, Path(folder))):
                head, tail = split(paragraphs(book))
                print(f"{source.package}: {head[0][:40]!r}, {sum(map(len, head + tail))} characters, {len(head + tail)} paragraphs")
                train += [*head, END_OF_TEXT]
                held += tail
    write_checked(out / "train.txt", "\n".join(train) + "\n")
    write_checked(out / "heldout.txt", "\n".join(held) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
