"""Every stage of every preset: what it keeps, what it rejects, and that it never breaks."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.corpus.cleaning.config import PRESETS, STAGES, build_stages, cleaning_config
from migaki.corpus.documents import Document, Outcome, Rejection, Stage, run_stages

SENTENCE = "吾輩は猫であるが、名前はまだ無いので、誰も呼んでくれない。"
ARTICLE = """\
この町は山にかこまれた盆地にあり、冬になると朝の霧が川の上に長くとどまる。
江戸時代には宿場として栄え、街道を行く人々のために、旅籠や茶屋が軒を並べていた。
明治の終わりに鉄道が通ると、客は駅の近くへ移り、古い通りはしだいに静かになった。
今では、残された蔵を改装した喫茶店や染物の工房が、週末に訪れる若い人たちを集めている。
名物は味噌を塗って焼いた餅で、秋の祭りでは子どもたちが太鼓を打ちながらこれを配って歩く。
人口は昭和三十年ごろをさかいに減りつづけたが、近ごろは移り住む家族もわずかに増えてきた。
小学校の校庭には樹齢四百年といわれる銀杏が立ち、落ち葉の季節には町じゅうが黄色く染まる。
地元の研究者によれば、盆地の底にはかつて大きな湖があり、粘土の層からは貝の化石も見つかるという。
夏は意外に暑く、昼すぎには決まって夕立が来るので、洗濯物を急いで取り込む姿がよく見られる。
町の図書館には、旅人が書き残した日記が百冊あまり保存されていて、申し込めば誰でも読むことができる。
"""


def document(text: str) -> Document:
    return Document(text, id="a:1", source="a", licence="CC0-1.0")


def run(text: str, *, preset: str = "none", **settings_: object) -> Outcome:
    return run_stages(document(text), build_stages(cleaning_config(preset, settings_)))


REJECTED = [
    ("length", "短い。", "too_short"),
    ("japanese_ratio", "This is an English page, and it says こんにちは once.", "too_little_japanese"),
    ("kana_shares", "会社概要 採用情報 製品情報 投資家情報 環境活動", "too_little_hiragana"),
    ("kana_shares", "ホーム、ニュース、コラム、プロフィール、リンク", "too_little_hiragana"),
    ("kana_shares", "ホームのニュースとコラムとプロフィールへのリンクはこちらです", "too_much_katakana"),
    ("simplified_chinese", "这个网站为您们提供关于日本的详细说明和图书馆认证，欢迎阅读。日本の旅。", "simplified_chinese"),
    ("symbols", "☆★☆★☆★セール中☆★☆★☆★！！！", "too_many_symbols"),
    ("character_runs", "あ" * 250, "character_run"),
    ("sentence_length", "猫。犬。鳥。魚。", "sentences_too_short"),
    ("sentence_length", "とても長い文が続いていて" * 12, "sentences_too_long"),
    ("sentence_length", "とても長い文が続いていて" * 20 + "。" + SENTENCE * 20, "a_sentence_too_long"),
    ("ellipses", "続きはこちら…\n昨日あの人が…\n見てしまった…\n以上です。", "too_many_ellipses"),
    ("short_lines", "ホーム\n会社案内\nアクセス\n採用\n連絡先\n", "too_many_short_lines"),
    ("finished_lines", "春の花見特集\n駅前の新しい店\n旅先で会った人\n山の宿\n海の宿", "unfinished_lines"),
    ("repeated_lines", f"{SENTENCE}\n" * 4, "repeated_lines"),
    ("repeated_lines", SENTENCE * 4, "repeated_sentences"),
    ("repeated_ngrams", "激安" * 30, "one_phrase"),
    ("repeated_ngrams", SENTENCE * 3, "repeated_phrases"),
    ("frequent_ngrams", "お買い得！" * 30, "frequent_phrases"),
    ("boilerplate", "会社概要\n採用情報\nお問い合わせ\nサイトマップ\n猫がいる。\n犬もいる。", "boilerplate"),
    ("adverts", "送料無料で即日発送！今だけポイント還元、お買い得です。", "adverts"),
    ("machine_translation", f"この記事は自動翻訳されています。{SENTENCE}", "translation_notice"),
    ("machine_translation", "私 は 猫 が 好き で 、 犬 も 好き な の で 、 鳥 は 飼わ ない 。", "spaced_words"),
    ("machine_translation", "あなたはそれを見ます。彼らはあなたを見ます。" * 6, "pronouns"),
    ("encoding_repair", "縺ゅ＞縺薙≧縺\ufffd繧九″繝九ｃ縺ｪ縺ｫ縺ｬ縺ｭ", "encoding_damage"),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "text", "reason"), REJECTED)
def test_a_stage_rejects_with_its_reason(stage: str, text: str, reason: str) -> None:
    outcome = run(text, **{stage: True})
    assert isinstance(outcome, Rejection)
    assert (outcome.stage, outcome.reason) == (stage, reason)
    assert any(char.isdigit() for char in outcome.detail) or reason == "translation_notice"


@pytest.mark.parametrize("stage", [s for s in STAGES if s not in ("python", "hojichar", "length")])
def test_a_stage_keeps_an_article(stage: str) -> None:
    assert isinstance(run(ARTICLE, **{stage: True}), Document)


def test_every_reason_of_the_filters_is_tried() -> None:
    config = cleaning_config(
        "none", {name: True for name in STAGES if name not in ("python", "hojichar")}
    )
    reasons = {reason for stage in build_stages(config) for reason in stage.reasons}  # type: ignore[attr-defined]
    tried = {reason for _, _, reason in REJECTED}
    assert reasons - tried == {
        "too_long",
        "adult_words",
        "discriminatory_words",
        "personal_information",
    }


@pytest.mark.parametrize("preset", ["dialogue", "literature"])
def test_a_short_chat_is_whole(preset: str) -> None:
    chat = "明日の天気はどうですか。\n晴れのち曇りで、午後は少し風が強くなるそうです。"
    assert isinstance(run(chat, preset=preset), Document)
    assert isinstance(run(chat, preset="web"), Rejection)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_keeps_an_article(preset: str) -> None:
    assert isinstance(run(ARTICLE, preset=preset), Document)


@pytest.mark.parametrize("preset", PRESETS)
@given(text=st.text(st.characters(exclude_categories=()), max_size=300))
@settings(max_examples=60)
def test_a_document_is_kept_or_rejected_whatever_it_holds(preset: str, text: str) -> None:
    given_ = document(text)
    outcome = run_stages(given_, build_stages(cleaning_config(preset)))
    if isinstance(outcome, Rejection):
        assert outcome.document.id == given_.id
        assert outcome.reason
        assert outcome.detail
    else:
        assert outcome.id == given_.id
        assert run_stages(given_, build_stages(cleaning_config(preset))) == outcome


@pytest.mark.parametrize("preset", PRESETS)
def test_stages_go_to_other_processes(preset: str) -> None:
    stages = build_stages(cleaning_config(preset))
    again: tuple[Stage, ...] = pickle.loads(pickle.dumps(stages))
    assert again == stages
    assert run_stages(document(ARTICLE), again) == run_stages(document(ARTICLE), stages)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("ホーム > 特集 > 春の花\n本文がある。\nまだ続く。\n", "本文がある。\nまだ続く。\n"),
        (
            "本文がある。\n前の記事 次の記事\nCopyright (C) 2024 山田 All Rights Reserved.",
            "本文がある。",
        ),
        ("本文がある。\n当サイトの無断転載を禁じます。", "本文がある。"),
        ("本文がある。\nよくある質問をまとめた。", "本文がある。\nよくある質問をまとめた。"),
    ],
)
def test_lines_around_a_page_are_cut_off(text: str, cut: str) -> None:
    outcome = run(text, frame_lines=True)
    assert isinstance(outcome, Document)
    assert outcome.text == cut


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("ﾊﾞｰｼﾞｮﾝ２．０を使う，そして終わる．", "バージョン2.0を使う、そして終わる。"),
        ("これは、あれ，それ、です。", "これは、あれ，それ、です。"),
        (
            "(UTC+9)，GBR，2008年，打率0.263，1275本だ，",
            "(UTC+9)、GBR、2008年、打率0.263、1275本だ、",
        ),
        ("約1，000，000人，Smith，John，など", "約1，000，000人、Smith、John、など"),
        ("一行目\r\n二行目\x00\ufeff", "一行目\n二行目"),
        ("①と㈱と！？はそのまま。", "①と㈱と！？はそのまま。"),
    ],
)
def test_widths_are_unified_and_no_more(text: str, normal: str) -> None:
    outcome = run(text, normalization=True)
    assert isinstance(outcome, Document)
    assert outcome.text == normal


CODE = "\n".join(
    ["```js", *("  function run(argument) { return argument.value }", "}", "}") * 12, "```"]
)


@pytest.mark.parametrize(
    "stage", ["japanese_ratio", "short_lines", "repeated_lines", "repeated_ngrams"]
)
def test_the_code_of_a_manual_is_not_judged_as_japanese(stage: str) -> None:
    assert isinstance(run(f"{ARTICLE}\n{CODE}", **{stage: True}), Document)
    assert isinstance(run(CODE.replace("```", ""), **{stage: True}), Rejection)


def test_an_address_makes_no_sentence_longer() -> None:
    link = f"[猫の頁](https://a.example/{'%E7%8C%AB' * 50})を見てください。"
    assert isinstance(run(SENTENCE * 5 + link, sentence_length=True), Document)


def test_a_list_of_sources_is_not_what_an_article_repeats() -> None:
    source = "広島地方気象台『梅雨の時期に関する中国地方気象情報第{}号』。気象庁、2006年6月8日。"
    sources = "".join(map(source.format, range(1, 9)))
    assert isinstance(run(ARTICLE + sources, repeated_ngrams=True), Document)


def test_a_chinese_page_is_told_to_be_chinese() -> None:
    page = "这个问题的关键在于我们怎样认识历史发展的过程。许多学者认为，经济的变化会对社会产生很大的影响。"
    outcome = run(page * 10, preset="web")
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "simplified_chinese"


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("今だけポイント10倍！\n本文がある。\nまだ続く。", "本文がある。\nまだ続く。"),
        ("本文がある。\nカートに入れる", "本文がある。"),
        ("副業\n本文がある。", "副業\n本文がある。"),
        (
            "その店は送料無料を掲げて客を集めたが、利益は出なかった。\n本文。",
            "その店は送料無料を掲げて客を集めたが、利益は出なかった。\n本文。",
        ),
        (
            "一。\n二。\n三。\n送料無料\n五。\n六。\n七。",
            "一。\n二。\n三。\n送料無料\n五。\n六。\n七。",
        ),
        ("カートに入れる", "カートに入れる"),
    ],
)
def test_a_lone_advert_is_cut_off_and_counted(text: str, cut: str) -> None:
    outcome = run(text, advert_lines=True)
    assert isinstance(outcome, Document)
    assert outcome.text == cut
    assert outcome.counts == ({} if cut == text else {"advert_lines": 1})


def test_character_references_are_written_out() -> None:
    outcome = run("A&amp;B&nbsp;&#12354;&copy=1 猫", encoding_repair=True)
    assert isinstance(outcome, Document)
    assert outcome.text == "A&B\xa0あ&copy=1 猫"
    assert outcome.counts == {"character_references": 3}
