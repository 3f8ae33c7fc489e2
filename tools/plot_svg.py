"""Pictures as SVG for a page that follows the reader's colour scheme, and as PNG.

matplotlib's SVG is rewritten so that many can stand in one page: inks become the page's CSS variables, styles become
attributes (a content security policy may forbid `style`), every id that is needed gets the picture's own prefix.
"""

import hashlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from mixingbuddy.tools.plot_style import DARK, LIGHT, NARROW_BELOW_PX, NARROW_PX, WIDE_PX, Palette, Picture
from mixingbuddy.tools.plot_words import one_line

LONG_CURVE = 2000  # letters
PNG_PIXELS_PER_PX, PNG_MARGIN_PX = 2, 14
# Where the page defines no such variable, a tone that can be read on white and on black.
PAGE_COLOURS = Palette(
    ink="var(--ink, currentColor)", soft="var(--soft, #808080)", line="var(--line, #80808060)",
    slot="var(--slot, #8a8a8a)", mark="var(--mark, #2a918a)", warn="var(--warn, #b07a1e)", bad="var(--bad, #d0584a)",
    paper="none",
)  # fmt: skip
PAGE_FONT = "var(--plot-font, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif)"
_STAND_INS = Palette(*(f"#0a0b{index:02x}" for index in range(1, 9)))
_SVG, _HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_DROPPED_STYLES = ("font-family", "stroke-dashoffset")
_LONG_NUMBER, _CURVED = re.compile(r"-?\d+\.\d{2,}"), re.compile("[CQ]")
# Settings of matplotlib are global; only one picture is drawn at a time, and the user's own are put back.
_ONE_AT_A_TIME = threading.Lock()


def page_svg(draw: Callable[[int], Picture]) -> str:
    """The picture twice, for wide and for narrow screens. The page hides one: `.plot-wide` or `.plot-narrow`."""
    return to_svg(draw(WIDE_PX)) + to_svg(draw(NARROW_PX))


def to_svg(picture: Picture) -> str:
    """One `<svg>` element without anything outside of it; the same picture gives the same text."""
    raw = io.StringIO()
    with _default_settings():
        figure = picture.drawn(_STAND_INS)
        figure.savefig(raw, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = raw.getvalue()
    prefix = f"{picture.name}-{hashlib.sha256(f'{picture.title}{text}'.encode()).hexdigest()[:10]}"
    drawing = ElementTree.fromstring(text)
    _rename(drawing, prefix)
    for element in drawing.iter():
        _plain(element)
    width = "narrow" if picture.width_px < NARROW_BELOW_PX else "wide"
    root = ElementTree.Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "class": f"plot plot-{picture.name} plot-{width}", "role": "img",
        "aria-labelledby": f"{prefix}-title {prefix}-desc", "width": f"{picture.width_px:g}",
        "height": f"{picture.height_px:g}", "viewBox": f"0 0 {picture.width_px:g} {picture.height_px:g}",
        "font-family": PAGE_FONT, "stroke-linejoin": "round",
    })  # fmt: skip
    ElementTree.SubElement(root, "title", id=f"{prefix}-title").text = one_line(picture.title)
    ElementTree.SubElement(root, "desc", id=f"{prefix}-desc").text = one_line(picture.description)
    root.extend(_drawn_parts(drawing))
    return ElementTree.tostring(root, encoding="unicode")


def to_png(picture: Picture, dark: bool = False) -> bytes:
    """The picture on the paper of a light or dark page, two pixels per CSS pixel."""
    palette, file = DARK if dark else LIGHT, io.BytesIO()
    with _default_settings():
        figure = picture.drawn(palette, PNG_MARGIN_PX)
        figure.patch.set(visible=True, facecolor=palette.paper)
        figure.savefig(file, format="png", dpi=72 * PNG_PIXELS_PER_PX, metadata={"Software": None})
    return file.getvalue()


@contextmanager
def _default_settings() -> Iterator[None]:
    """matplotlib as it comes, whatever the user's own settings; text stays text, ids stay the same."""
    import matplotlib

    settings = {**matplotlib.rcParamsDefault, "svg.fonttype": "none", "svg.hashsalt": "mixingbuddy"}
    del settings["backend"]  # is not put back, and never used here
    with _ONE_AT_A_TIME, warnings.catch_warnings(), matplotlib.rc_context(settings):
        # The page's fonts have glyphs that the one in which text is laid out here has not.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def _drawn_parts(drawing: ElementTree.Element) -> list[ElementTree.Element]:
    """What is drawn, without groups that group nothing."""
    parts = []
    for child in drawing:
        if child.tag in ("metadata", "style") or (child.tag == "defs" and not len(child)):
            continue
        inside = _drawn_parts(child)
        if child.tag == "g" and not child.attrib:
            parts += inside
        else:
            child[:] = inside
            child.tail = None
            if not (child.text or "").strip():
                child.text = None
            parts.append(child)
    return [part for part in parts if part.tag not in ("g", "defs") or len(part)]


def _rename(drawing: ElementTree.Element, prefix: str) -> None:
    """Ids that are referred to get the prefix, marks become classes, all others go."""
    ids = [element.get("id", "") for element in drawing.iter()]
    text = ElementTree.tostring(drawing, encoding="unicode")
    wanted = {known for known in ids if known and (f'"#{known}"' in text or f"url(#{known})" in text)}
    for element in drawing.iter():
        known = element.attrib.pop("id", "")
        if known.startswith("plot-"):
            element.set("class", known)
        elif known in wanted:
            element.set("id", f"{prefix}-{known}")
        if "clip-path" in element.attrib:
            element.set("clip-path", element.attrib["clip-path"].replace("(#", f"(#{prefix}-"))
        if _HREF in element.attrib:
            target = element.attrib.pop(_HREF).replace("\n", "")
            element.set("href", f"#{prefix}-{target[1:]}" if target.startswith("#") else target)


def _plain(element: ElementTree.Element) -> None:
    """Styles as attributes with the page's inks, short numbers, no namespaces."""
    element.tag = element.tag.removeprefix(_SVG)
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name and name not in _DROPPED_STYLES:
            element.set(name, _COLOURS.get(value, value).removesuffix("px"))
    if element.tag == "image":
        element.set("image-rendering", "pixelated")
        element.set("preserveAspectRatio", "none")
    else:
        for name in ("d", "x", "y", "width", "height"):
            if name in element.attrib:
                element.set(name, _short(element.attrib[name]))
    if element.get("transform", "").startswith("rotate(-0"):
        del element.attrib["transform"]


def _short(numbers: str) -> str:
    """Coordinates no finer than a hundredth of a pixel, those of long curves a tenth."""
    decimals = 1 if len(numbers) > LONG_CURVE else 2
    rounded = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.{decimals}f}".rstrip("0").rstrip("."), numbers)
    # After a pair of coordinates another one is a line to it.
    return " ".join((rounded.replace("L", " ") if not _CURVED.search(rounded) else rounded).split())


_COLOURS = dict(zip(_STAND_INS.by_ink().values(), PAGE_COLOURS.by_ink().values(), strict=True))
