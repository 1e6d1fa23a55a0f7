"""The page in a real browser: what people see and do, in light and dark, on a phone's width."""

import io
import itertools
import shutil
import threading
import time
import zipfile

import numpy as np
import pytest
import tiny_bundle
from photograph_files import scene
from PIL import Image

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytest.importorskip("starlette", reason="the extra 'page' is not installed")
pytest.importorskip("uvicorn", reason="the extra 'page' is not installed")

from page_server import serving_page
from playwright import sync_api

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")

ADDED = 40
# WCAG 2.2, level AA: of text, and of large text (24 pixels, or bold of 18.7).
CONTRAST, CONTRAST_OF_LARGE = 4.5, 3.0

# Names that people hear, as browsers compute them in the simple cases that are used here.
NAMELESS = """() => [...document.querySelectorAll(
  'button, a[href], input, select, img, progress, [role=slider], [tabindex="0"]')]
  .filter((each) => each.checkVisibility())
  .filter((each) => !(each.getAttribute('aria-label') || each.getAttribute('alt')
    || each.innerText?.trim() || [...(each.labels || [])].some((label) => label.innerText.trim())))
  .map((each) => each.outerHTML)"""

# Colour, what is behind it, size and weight of each text that is seen.
TEXTS = """() => [...document.querySelectorAll('body *')]
  .filter((each) => each.checkVisibility() && !each.closest(':disabled, [aria-disabled=true]'))
  .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((each) => {
    const style = getComputedStyle(each);
    let behind = each;
    while (behind && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)')
      behind = behind.parentElement;
    return [each.innerText, style.color,
      behind ? getComputedStyle(behind).backgroundColor : 'rgb(255, 255, 255)',
      parseFloat(style.fontSize), Number(style.fontWeight)];
  })"""
SMALL = """() => [...document.querySelectorAll('button, a.button, select, input[type=range]')]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 24)
  .map((each) => each.outerHTML)"""
OUTSIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    export = tiny_bundle.adding(tmp_path_factory.mktemp("export"), ADDED)
    with serving_page(export, tmp_path_factory.mktemp("temporary")) as client:
        yield client


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    context = browser.new_context(
        viewport={"width": 1200, "height": 850}, has_touch=True, accept_downloads=True
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.mistakes = []
    page.on("pageerror", lambda error: page.mistakes.append(str(error)))
    page.goto(server.origin)
    yield page
    context.close()
    assert page.mistakes == []


def until(page, script, seconds=60):
    """Waits for a value; the page's policy forbids what Playwright does for that."""
    end = time.monotonic() + seconds
    while not (value := page.evaluate(script)):
        assert time.monotonic() < end, script
        time.sleep(0.05)
    return value


def photograph(folder, name, seed=0):
    path = folder / name
    Image.fromarray(scene(200, 300, seed=seed) // 2 + 20).save(path)
    return path


def with_photographs(page, folder, *names):
    """Uploads photographs, and waits until all are judged."""
    files = [str(photograph(folder, name, seed)) for seed, name in enumerate(names)]
    page.set_input_files("#files", files)
    until(
        page,
        f"""() => {{
          const lines = [...document.querySelectorAll('#list .line')];
          return lines.length === {len(names)} &&
            !lines.some((line) => line.innerText.includes('being judged'));
        }}""",
    )
    return files


def restored(page):
    page.click("#restore")
    page.wait_for_selector("#download[href]")
    until(page, "() => document.querySelector('.after img')?.naturalWidth")


def test_what_a_photograph_is_like_is_shown_beside_what_is_said(
    page, server, tmp_path, monkeypatch
):
    like = [(name, scene(64, 64, seed=n)) for n, name in enumerate(("r_l", "salt_pepper", "clean"))]
    monkeypatch.setattr(server.workshop, "nearest", lambda photograph: like)
    with_photographs(page, tmp_path, "a.png")
    assert page.inner_text("#nearest").split("\n") == ["Most like:", "r l", "salt pepper", "clean"]
    loaded = "() => [...document.querySelectorAll('#nearest img')].map((each) => each.naturalWidth)"
    until(page, f"() => ({loaded})().every((width) => width === 64)")
    assert page.evaluate(NAMELESS) == []
    # Another, which is like nothing, does not keep the pictures of the first.
    monkeypatch.setattr(server.workshop, "nearest", lambda photograph: [])
    page.set_input_files("#files", [str(photograph(tmp_path, "b.png", 1))])
    until(page, "() => document.querySelectorAll('#list button').length === 2")
    until(page, "() => !document.querySelector('#list').innerText.includes('being judged')")
    page.click("#list li:nth-child(2) button")
    assert not page.is_visible("#nearest")


def middle(page):
    """Colours (2, 3) left and right of the middle of the stage, as they are seen."""
    shot = np.asarray(Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB"))
    y, x = shot.shape[0] // 4, shot.shape[1] // 2
    return shot[y, [x - 40, x + 40]].astype(int)


def ratio(one, other):
    """Contrast of two colours as WCAG defines it."""

    def luminance(colour):
        shares = [float(part) / 255 for part in colour[4:-1].split(",")[:3]]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_from_a_dropped_photograph_to_its_download(page, server, tmp_path):
    (source,) = with_photographs(page, tmp_path, "a.png")
    # Told before anything is restored.
    told = page.inner_text("#decision")
    assert "300×200 pixels" in told
    assert "dB" in told or "Refused" in told
    assert page.get_attribute("#download", "href") is None
    restored(page)
    with page.expect_download() as waiting:
        page.click("#download")
    saved = np.asarray(Image.open(waiting.value.path()))
    assert waiting.value.suggested_filename == "a.png"
    np.testing.assert_array_equal(saved, np.asarray(Image.open(source)) + np.uint8(ADDED))
    with page.expect_download() as waiting:
        page.click("#download-all")
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.namelist() == ["a.png"]


def test_damage_is_not_named_by_a_model_of_another_group(page, tmp_path):
    with_photographs(page, tmp_path, "a.png")
    told = page.evaluate(
        """() => ["sr", "blur", "mix"].map((name) => decisionOf({
          state: "judged", width: 3, height: 2, likely: "sr", against: "blur", reason: "",
          groups: {[name]: {chosen: true, probability: null, gain: [2, 1, 3]}},
          seen: ["fine detail"], further: [],
        }))"""
    )
    ends = ("", ", but best restored by the model of blur", ", but best restored by the mix of all")
    for said, end in zip(told, ends, strict=True):
        assert said.startswith(f"3×2 pixels. Damaged like sr{end}: ")
        assert said.endswith(" Told from blur by fine detail.")


def test_the_divider_follows_mouse_touch_and_keys(page, tmp_path):
    with_photographs(page, tmp_path, "a.png")
    restored(page)
    value = "() => Number(document.querySelector('.divider').getAttribute('aria-valuenow'))"
    page.focus(".divider")
    seen = {}
    for key, expected in (("ArrowLeft", 48), ("PageUp", 68), ("End", 100), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate(value) == expected
        seen[key] = middle(page)
    np.testing.assert_allclose(seen["Home"] - seen["End"], ADDED, atol=8)
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 200, y)
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.up()
    assert page.evaluate(value) == 50
    left, right = middle(page)
    np.testing.assert_array_equal(left, seen["End"][0])
    np.testing.assert_array_equal(right, seen["Home"][1])
    page.touchscreen.tap(x + box["width"] / 8, y)
    assert page.evaluate(value) > 55


def test_the_zoom_is_at_one_place_in_all_pictures(page, tmp_path):
    with_photographs(page, tmp_path, "a.png")
    page.click("#compare")
    until(
        page,
        """() => document.querySelectorAll('.stage').length === 4 &&
        [...document.querySelectorAll('.after img')].every((image) => image.naturalWidth)""",
    )
    page.click('[data-zoom="4"]')
    page.locator(".stage").first.focus()
    page.keyboard.press("ArrowRight")
    places = page.evaluate(
        "() => [...document.querySelectorAll('.stage img')].map((each) => each.style.transform)"
    )
    assert len(places) == 7
    assert len(set(places)) == 1
    width = page.evaluate("() => document.querySelector('.stage img').clientWidth")
    assert width == 4 * 300
    # Another model's result is taken.
    page.get_by_role("button", name="Use this").first.click()
    until(page, "() => document.querySelector('#group').value !== ''")
    assert page.inner_text("#stages").count("dB") == 2


def test_strength_is_what_is_seen_and_saved(page, tmp_path):
    (source,) = with_photographs(page, tmp_path, "a.png")
    restored(page)
    page.focus("#strength")
    page.keyboard.press("Home")
    until(page, "() => document.querySelector('.after img').src.includes('strength=0')")
    with page.expect_download() as waiting:
        page.click("#download")
    saved = np.asarray(Image.open(waiting.value.path()))
    np.testing.assert_array_equal(saved, np.asarray(Image.open(source)))


def test_what_is_refused_says_why_and_others_go_on(page, server, tmp_path):
    (tmp_path / "text.png").write_text("no photograph")
    page.set_input_files("#files", [str(tmp_path / "text.png")])
    until(page, "() => document.querySelector('#list .bad')?.innerText")
    assert page.inner_text("#list .bad") == "no photograph in PNG, JPEG, WebP, TIFF or BMP"
    page.set_input_files("#files", [str(photograph(tmp_path, "b.png"))])
    until(page, "() => document.querySelectorAll('#list li').length === 2")
    page.click("#list li:nth-child(1) button")
    page.click("#remove")
    until(page, "() => document.querySelectorAll('#list li').length === 1")
    assert page.inner_text("#name") == "b.png"


# Whether the browser would ask before it leaves the page.
ASKS = "() => !dispatchEvent(new Event('beforeunload', {cancelable: true}))"


def test_leaving_asks_as_long_as_something_would_be_lost(page, server, tmp_path, monkeypatch):
    assert not page.evaluate(ASKS)
    with_photographs(page, tmp_path, "a.png", "b.png")
    assert not page.evaluate(ASKS), "nothing is restored yet"
    held, restore = threading.Event(), server.workshop.restore
    monkeypatch.setattr(
        server.workshop, "restore", lambda *arguments: held.wait(60) and restore(*arguments)
    )
    page.click("#restore")
    page.wait_for_selector("#cancel")
    assert page.evaluate(ASKS), "it is being restored"
    held.set()
    page.wait_for_selector("#download[href]")
    # The browser asks indeed, and who stays has all.
    with page.expect_event("dialog") as asked:
        page.evaluate("() => { setTimeout(() => location.reload()); }")
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    assert page.locator("#list li").count() == 2
    with page.expect_download():
        page.click("#download")
    until(page, f"() => !({ASKS})()")
    # Another strength is another result, and an archive has it as well.
    page.focus("#strength")
    page.keyboard.press("Home")
    until(page, ASKS)
    with page.expect_download():
        page.click("#download-all")
    until(page, f"() => !({ASKS})()")
    page.click("#list li:nth-child(2) button")
    restored(page)
    assert page.evaluate(ASKS)
    page.click("#remove")
    until(page, f"() => !({ASKS})()")


def test_leaving_a_page_that_the_server_has_closed_asks_nothing(page, server, tmp_path):
    with_photographs(page, tmp_path, "a.png")
    restored(page)
    assert page.evaluate(ASKS)
    page.evaluate("() => navigator.sendBeacon(`${here}/close`)")
    until(page, "() => document.querySelector('#said').innerText.includes('has closed this page')")
    assert not page.evaluate(ASKS)


def test_leaving_a_page_whose_server_is_gone_asks_nothing(browser, tmp_path):
    export = tiny_bundle.adding(tmp_path / "export", ADDED)
    other = browser.new_page()
    with serving_page(export, tmp_path) as ending:
        other.goto(ending.origin)
        with_photographs(other, tmp_path, "a.png")
        restored(other)
    until(other, "() => document.querySelector('#said').innerText.includes('No answer')")
    assert other.evaluate(ASKS), "it may answer again"
    # Half a minute later all is thrown away.
    other.evaluate("() => { const now = Date.now; Date.now = () => now() + 31000; }")
    assert not other.evaluate(ASKS)
    other.close()


def names(page):
    return page.locator("#list .name").all_inner_texts()


def dropped(page, *paths):
    """Drops files and folders, which the browser itself then gives to the page."""
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 400, "data": data})


def test_photographs_of_folders_keep_their_paths(page, tmp_path):
    album = tmp_path / "album"
    for folder in ("b", "a"):
        (album / folder).mkdir(parents=True)
        photograph(album / folder, "IMG_1.png")
    photograph(album, "IMG_10.png")
    photograph(album, "IMG_9.png")
    (album / "notes.txt").write_text("no photograph")
    given = ["a/IMG_1.png", "b/IMG_1.png", "IMG_9.png", "IMG_10.png"]
    given = [f"album/{name}" for name in given]
    page.set_input_files("#folder", str(album))
    until(page, "() => document.querySelectorAll('#list li').length === 4")
    assert names(page) == given
    assert page.inner_text("#name") == given[0]
    dropped(page, album / "b", album)
    until(page, "() => document.querySelectorAll('#list li').length === 9")
    assert names(page) == [*given, "b/IMG_1.png", *given]
    until(page, "() => !document.querySelector('#list').innerText.includes('being judged')")
    for number in (5, 2):
        page.click(f"#list li:nth-child({number}) button")
        restored(page)
    with page.expect_download() as waiting:
        page.click("#download-all")
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.namelist() == ["album/b/IMG_1.png", "b/IMG_1.png"]


def test_the_list_has_the_order_in_which_files_were_given(page, tmp_path):
    held = []
    page.route("**/photographs?name=a.png*", lambda route: held.append(route))
    files = [str(photograph(tmp_path, name)) for name in ("a.png", "c.png", "b.png")]
    page.set_input_files("#files", files)
    until(page, "() => document.querySelectorAll('#list li').length === 2")
    assert names(page) == ["c.png", "b.png"]
    # Nobody has turned to another: the first that was given is shown, although it comes last.
    held.pop().continue_()
    until(page, "() => document.querySelectorAll('#list li').length === 3")
    assert names(page) == ["a.png", "c.png", "b.png"]
    assert page.inner_text("#name") == "a.png"


def test_what_was_given_while_others_come_stands_behind_them(page, tmp_path):
    held = []
    page.route("**/photographs?name=lone.png*", lambda route: held.append(route))
    album = tmp_path / "album"
    album.mkdir()
    photograph(album, "a.png")
    dropped(page, photograph(tmp_path, "lone.png"), album)
    until(page, "() => document.querySelectorAll('#list li').length === 1")
    page.set_input_files("#files", [str(photograph(tmp_path, "later.png"))])
    until(page, "() => document.querySelectorAll('#list li').length === 2")
    held.pop().continue_()
    until(page, "() => document.querySelectorAll('#list li').length === 3")
    assert names(page) == ["lone.png", "album/a.png", "later.png"]


def test_the_first_that_is_usable_is_shown_until_somebody_picks(page, tmp_path):
    (tmp_path / "0.png").write_text("no photograph")
    broken = tmp_path / "1.png"
    photograph(tmp_path, "whole.png")
    # Its header is whole, so that it fails after it was taken.
    broken.write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    page.set_input_files("#files", [str(tmp_path / "0.png")])
    until(page, "() => document.querySelector('#list .bad')")
    assert page.inner_text("#name") == "0.png", "there is no other"
    page.set_input_files("#files", [str(broken), str(photograph(tmp_path, "2.png"))])
    until(page, "() => document.querySelector('#list li:nth-child(2) .bad')")
    until(page, "() => document.querySelector('#name').innerText === '2.png'")
    assert page.get_attribute("#list li:nth-child(3) button", "aria-current") == "true"
    page.click("#list li:nth-child(1) button")
    page.set_input_files("#files", [str(photograph(tmp_path, "3.png"))])
    until(page, "() => document.querySelectorAll('#list li').length === 4")
    assert page.inner_text("#name") == "0.png", "it was picked"


def test_how_many_of_how_many_are_downloaded_is_said_before(page, tmp_path):
    with_photographs(page, tmp_path, "a.png", "b.png")
    assert page.inner_text("#download-all") == "Download all"
    assert page.get_attribute("#download-all", "href") is None
    restored(page)
    assert page.inner_text("#download-all") == "Download 1 of 2"
    with page.expect_download() as waiting:
        page.click("#download-all")
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.namelist() == ["a.png"]
    page.click("#list li:nth-child(2) button")
    restored(page)
    assert page.inner_text("#download-all") == "Download all"


def test_a_page_that_is_left_takes_its_files_along(browser, server, tmp_path):
    page = browser.new_page()
    visits = []
    page.on("request", lambda request: visits.append(request.url) if "news" in request.url else 0)
    page.goto(server.origin)
    with_photographs(page, tmp_path, "a.png")
    address = visits[0].removeprefix(server.origin).removesuffix("/news")
    page.goto("about:blank")
    end = time.monotonic() + 60
    while server.ask("GET", f"{address}/results.zip")[0] != 410:
        assert time.monotonic() < end
        time.sleep(0.05)
    page.close()


def require_legible(page):
    """Names, contrast and room of all that is seen, in light and dark, wide and on a phone."""
    for width, scheme in itertools.product((1200, 390), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 850})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(SMALL) == []
        assert page.evaluate(OUTSIDE) <= 0
        texts = page.evaluate(TEXTS)
        assert texts
        for text, colour, behind, size, weight in texts:
            large = size >= 24 or (size >= 18.66 and weight >= 700)
            least = CONTRAST_OF_LARGE if large else CONTRAST
            assert ratio(colour, behind) >= least, (scheme, text, colour, behind)


def test_labels_contrast_and_room(page, tmp_path):
    require_legible(page)
    (tmp_path / "text.png").write_text("no photograph")
    with_photographs(page, tmp_path, "a.png")
    page.set_input_files("#files", [str(tmp_path / "text.png")])
    until(page, "() => document.querySelector('#list .bad')")
    require_legible(page)
    restored(page)
    require_legible(page)
    page.click("#compare")
    require_legible(page)


def test_contrast_is_measured_as_wcag_says():
    assert ratio("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert ratio("rgb(118, 118, 118)", "rgb(255, 255, 255)") == pytest.approx(4.54, abs=0.01)
