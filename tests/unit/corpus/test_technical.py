"""Documentation trees: what a reader sees stays, machinery goes and is counted."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.documents import Document
from migaki.corpus.reading import open_source
from migaki.corpus.rows import BadRow
from migaki.corpus.technical import from_markdown, from_po, from_rst

MARKDOWN = """---
title: "はじめに"
sidebar: auto
---

<script setup>
import X from './X.vue'
</script>

# 導入 {#intro}

[[TOC]]

<!-- 複数行の
コメント -->
本文です。<!-- 訳注 -->続きです。

<div class="tip">

`<div>` は残ります。

</div>

```html
<!-- コードの中 -->
<script>let x</script>


[[toc]]
```

~~~
```
~~~

## 終わり ##
"""

RST = """.. _top:

======
大見出し
======

.. コメント
   の続き

中見出し
--------

:mod:`asyncio` は :term:`コルーチン <coroutine>` を使う。``a`b`` は `手引き <https://a.jp>`_ を参照。

.. code-block:: python
   :emphasize-lines: 1

   async def main():
       pass

.. note::

   注意書きです。

   .. versionadded:: 3.8
      追加された機能。

.. toctree::
   :maxdepth: 2

   a
   b

例::

   :term:`そのまま`

終わり。\\ **強調**\\ です。
"""


def japanese(text: str) -> int:
    return len(re.findall("[ぁ-んァ-ヶ一-龥]", text))


def test_markdown_loses_its_machinery_and_keeps_its_code() -> None:
    plain = from_markdown(MARKDOWN)
    assert plain.title == "はじめに"
    assert plain.text == (
        "# 導入\n\n本文です。続きです。\n\n`<div>` は残ります。\n\n"
        "```html\n<!-- コードの中 -->\n<script>let x</script>\n\n\n[[toc]]\n```\n\n~~~\n```\n~~~\n\n## 終わり ##"
    )
    assert dict(plain.removed) == {
        "front matter": 1, "scripts": 1, "comments": 2, "anchors": 1, "tables of contents": 1,
        "lines of tags": 2,
    }  # fmt: skip


def test_rst_becomes_markdown() -> None:
    plain = from_rst(RST)
    assert plain.title == "大見出し"
    assert plain.text == (
        "# 大見出し\n\n## 中見出し\n\nasyncio は コルーチン を使う。`a`b` は 手引き を参照。\n\n"
        "```python\nasync def main():\n    pass\n```\n\n注意書きです。\n\n3.8\n追加された機能。\n\n"
        "例:\n\n   :term:`そのまま`\n\n終わり。**強調**です。"
    )
    assert plain.removed["directives"] == 4
    assert plain.removed["comments and targets"] == 2


def test_po_gives_its_translations_only() -> None:
    plain = from_po(
        'msgid ""\nmsgstr ""\n"Language: ja\\n"\n\n'
        '#: a.rst:3\nmsgid "Title"\nmsgstr "題名"\n\n'
        'msgid ""\n"Long "\n"text."\nmsgstr ""\n"長い\\"文\\"。"\n"\\n続き。"\n\n'
        'msgid "%d file"\nmsgid_plural "%d files"\nmsgstr[0] "%d 個"\n\n'
        '#~ msgid "Old"\n#~ msgstr "古い"\n\n'
        '#, fuzzy, python-format\nmsgid "F"\nmsgstr "曖昧"\n\nmsgid "U"\nmsgstr ""\n'
    )
    assert plain.text == '題名\n\n長い"文"。\n続き。\n\n%d 個'
    assert plain.title == "題名"
    assert dict(plain.removed) == {"fuzzy messages": 1, "untranslated messages": 1}


def test_a_tree_is_one_document_a_file(tmp_path: Path) -> None:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "a.md").write_text(MARKDOWN, encoding="utf-8")
    (tmp_path / "b.rst").write_text(RST, encoding="utf-8")
    (tmp_path / "c.po").write_text('msgid "x"\nmsgstr ""\n', encoding="utf-8")
    reader = open_source(tmp_path, licence="CC-BY-4.0")
    found = [d for shard in reader.shards() for d in reader.documents(shard)]
    b, c, a = found
    assert isinstance(a, Document)
    assert isinstance(b, Document)
    assert (a.metadata["title"], a.licence) == ("はじめに", "CC-BY-4.0")
    assert a.metadata["markup_removed"]["comments"] == 2
    assert b.id.endswith(":b.rst:1")
    assert isinstance(c, BadRow)
    assert c.reason == "has no text (1 untranslated messages)"


def test_real_documents_keep_their_japanese(shared_data: Path) -> None:
    with (shared_data / "tech" / "vue_docs_ja.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    kept = sum(japanese(from_markdown(text).text) for text in texts)
    assert kept > 0.995 * sum(map(japanese, texts))  # the rest stands in comments and tags
    assert not any(
        "{#" in line
        for t in texts
        for line in from_markdown(t).text.split("\n")
        if line.startswith("#")
    )
    with (shared_data / "tech" / "python_docs_ja.jsonl").open(encoding="utf-8") as lines:
        rst = [from_rst(json.loads(line)["text"]).text for line in lines]
    assert sum(text.count(":term:`") + text.count(":func:`") for text in rst) == 0


@given(st.text(alphabet='#`~<>!-:. \\\n\t[]{}|_*="あmsgidtr\x00', max_size=300))
def test_nothing_that_a_file_may_hold_is_raised_for(text: str) -> None:
    for read in (from_markdown, from_rst, from_po):
        assert isinstance(read(text).text, str)


@pytest.mark.parametrize(
    "text",
    ["<!--" * 50_000, ":" * 200_000, "`" * 200_000, " " * 200_000 + "x", "# " + " #" * 100_000, "``a" * 60_000,
     ":a:`" * 50_000, "".join(" " * n + ".. note::\n\n" for n in range(1000)), "<a" * 100_000,
     "# x" + " " * 200_000 + "y", "`" + " " * 200_000, "::\n\n" * 50_000, 'msgid "' + "\\" * 200_000],
    ids=range(13),
)  # fmt: skip
def test_hostile_text_takes_no_quadratic_time(text: str) -> None:
    start = time.process_time()
    for read in (from_markdown, from_rst, from_po):
        read(text)
    assert time.process_time() - start < 5
