# SPDX-License-Identifier: GPL-2.0-or-later
"""A bug report is good Markdown, as GitHub's own reader sees it, and nothing that the target says is more than text in it.

VQI_SAMPLE_MARKDOWN names the program that prints the samples of tests/support/sample.c.
"""

import html.parser
import os
import re
import shutil
import subprocess

import pytest

MARK = "PWN"
LIMIT = 65536

# Whatever is before and after each, it must not get out of its code.
HOSTILE = [
    "PWN",
    "`PWN`",
    "``PWN",
    "PWN`",
    "```\nPWN\n```",
    "~~~ PWN",
    "<b>PWN</b> <script>alert('PWN')</script>",
    "</code></pre></details><img src=x onerror=PWN>",
    "<!-- PWN",
    "&lt;PWN&gt; &#80;WN",
    "[PWN](http://PWN.example) ![PWN](x)",
    "@PWN #1 GH-1 PWN/PWN#1 https://PWN.example www.PWN.example PWN@PWN.example",
    "| PWN | PWN |",
    "\\| PWN \\",
    "PWN\\",
    "*PWN* __PWN__ ~~PWN~~",
    "\n\n# PWN\n- PWN\n> PWN\n---\n",
    "    PWN",
    " PWN ",
    " ",
    "\t",
    "$$PWN$$ :PWN: [^PWN]",
    "\r\nPWN\x85PWN\u2028PWN\u202ePWN",
    "`" * 31 + "PWN" + "`" * 33,
    "`" * 4000 + "PWN",
    "PWN" + "|`" * 2000,
    "x" * 299 + "\u00e9PWN" + "y" * 4000,
    "PWN " * 5000,
    "-PWN 'PWN' \"PWN\" $(PWN)",
]

# Nothing else is written; none of them has attributes but the cells of a table.
TAGS = set("h2 p strong code pre ul li table thead tbody tr th td details summary".split())


class Page(html.parser.HTMLParser):
    """What is in a page, and in which elements."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.tags = set()
        self.parts = []
        self.texts = []  # (text, whether it is code)
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert not attrs or (tag in ("td", "th") and attrs == [("align", "right")]) or (
            tag == "code" and attrs == [("class", "language-text")]
        ), (tag, attrs)
        self.tags.add(tag)
        if tag in ("h2", "details", "table"):
            self.parts.append((tag, len(self.open)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((data, "code" in self.open))

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl):
        raise AssertionError(f"a declaration: {decl}")

    @property
    def words(self):
        return "".join(text for text, is_code in self.texts if not is_code)

    @property
    def code(self):
        return "".join(text for text, is_code in self.texts if is_code)


def render(text):
    reader = shutil.which("cmark-gfm")
    assert reader, "cmark-gfm is missing: script/deps installs it"
    extensions = [word for name in ("table", "strikethrough", "autolink", "tagfilter") for word in ("-e", name)]
    command = [reader, "--unsafe", *extensions]
    return subprocess.run(command, input=text, check=True, capture_output=True).stdout.decode()


@pytest.fixture(scope="module")
def reports():
    program = os.environ.get("VQI_SAMPLE_MARKDOWN")
    if not program:
        pytest.skip("VQI_SAMPLE_MARKDOWN is not set")
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    run = subprocess.run([program, *HOSTILE], check=True, capture_output=True, env=environment)
    reports = run.stdout.split(b"\0")
    assert reports.pop() == b""
    return reports


@pytest.fixture(scope="module")
def pages(reports):
    return [Page(render(report)) for report in reports]


def test_size(reports):
    assert len(reports) == 9 + len(HOSTILE)
    for report in reports:
        assert 300 < len(report) < LIMIT


def test_it_is_text(reports):
    for report in reports:
        text = report.decode()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", text)
        assert text.endswith("```\n")


def test_only_these_tags(pages):
    for page in pages:
        assert page.tags <= TAGS


def test_verdict_comes_first(reports, pages):
    for report, page in zip(reports, pages):
        assert report.startswith(b"## Verdict: ")
        assert page.words.startswith("Verdict: ")


def test_what_the_target_says_is_code(pages):
    hostile = pages[-len(HOSTILE) :]
    for text, page in zip(HOSTILE, hostile):
        assert MARK not in page.words, text
        if MARK in text:
            assert MARK in page.code, text


def test_no_text_ends_a_part(pages):
    """Nor does any begin another."""
    hostile = pages[-len(HOSTILE) :]
    for text, page in zip(HOSTILE, hostile):
        assert page.parts == hostile[0].parts, text


def test_parts(pages):
    words = pages[3].words  # requests
    parts = ["Verdict", "Where", "Findings", "Devices", "Queues", "Requests in flight", "Threads", "Command line"]
    places = [words.index(part) for part in [*parts, "How it was looked"]]
    assert places == sorted(places)
    assert "Not available" not in words
    assert "Not available" in pages[6].words  # unknown
    code = pages[3].code
    for text in (
        "16 requests taken and not completed",
        "qemu-system-x86 1:7.2+dfsg-7+deb12u18",
        "0123456789abcdef0123456789abcdef01234567",
        "6.1.0-18-amd64 #1 SMP Debian 6.1.76-1",
        "/srv/web1.qcow2",
        "luring_co_submit+0x40",
        "-object 'secret,id=s0,data=***'",
        "-append 'root=/dev/vda1 ro'",
        "virtq-inspect -p 4242 --report report.md",
    ):
        assert text in code, text
    assert "then text" not in code + words  # the guest's data
