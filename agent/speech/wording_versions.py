"""Versions in words: what changed, which there are, a client's notes, and files for listening."""

from collections.abc import Sequence

from mixingbuddy.agent.results import History, Listening, NoteChecked, NotesChecked
from mixingbuddy.agent.speech.voice import ANSWER, ASIDE, REASON, Line, Voice, as_words, number, quoted, size, spoken
from mixingbuddy.agent.state import Version

MOST_CHANGES = 6
MOST_FACTS = 3
MOST_VERSIONS = 12
MOST_NOTES = 12
_DONE = {"undo": "undone", "redo": "redone", "go": "gone_to"}


def history(voice: Voice, result: History) -> list[Line]:
    """What was done along the versions, and what it changed."""
    if result.action == "name":
        return [_named(voice, result)]
    lines = []
    if result.action != "show":
        if not result.done:
            here = {"version": called(result.versions, result.current)} if result.action == "go" else {}
            return [Line(voice.say(f"nothing_to_{result.action}", **here))]
        lines.append(Line(voice.say(_DONE[result.action], version=called(result.versions, result.version))))
        if result.differs:
            lines.append(Line(voice.say("differs"), REASON))
    if result.compared_with is None:
        return lines or [Line(voice.say("nothing_changed", version=result.version))]
    return lines + changes(voice, result)


def changes(voice: Voice, result: History) -> list[Line]:
    """What changed from one version to another."""
    version, other = called(result.versions, result.version), called(result.versions, result.compared_with or 0)
    if result.version == result.compared_with:
        return [Line(voice.say("same_version", version=version))]
    if not result.changes:
        return [Line(voice.say("same_faders", version=version, other=other))]
    rank = ANSWER if result.action == "show" else REASON
    faders = "; ".join(
        voice.say("change", stem=spoken(c.stem), before=number(c.fader_before_db), after=number(c.fader_after_db))
        for c in result.changes[:MOST_CHANGES]
    )
    more = len(result.changes) - MOST_CHANGES
    faders += voice.say("and_more", count=more) if more > 0 else ""
    lines = [Line(voice.say("changes", version=version, other=other, list=faders), rank)]
    return lines + _measured(voice, result)


def _measured(voice: Voice, result: History) -> list[Line]:
    measured = "; ".join(
        voice.say("change_level", stem=spoken(c.stem), before=number(c.level_before_lu), after=number(c.level_after_lu))
        for c in result.changes[:MOST_FACTS]
        if c.level_before_lu is not None and c.level_after_lu is not None
    )
    lines = []
    if measured and result.loudness_before_lufs is not None and result.loudness_after_lufs is not None:
        before, after = number(result.loudness_before_lufs), number(result.loudness_after_lufs)
        told = voice.say("changes_levels", list=measured, loudness_before=before, loudness_after=after)
        lines.append(Line(told, REASON))
    if result.distance_before_db is not None and result.distance_after_db is not None:
        before, after = number(result.distance_before_db), number(result.distance_after_db)
        nearer = result.distance_after_db < result.distance_before_db - 0.05
        same = abs(result.distance_after_db - result.distance_before_db) <= 0.05
        key = "distance_same" if same else "distance_nearer" if nearer else "distance_further"
        lines.append(Line(voice.say(key, before=before, after=after), REASON))
    return lines


def _named(voice: Voice, result: History) -> Line:
    name = next((version.name for version in result.versions if version.id == result.version), "")
    return Line(voice.say("version_named", version=result.version, name=quoted(name)))


def called(versions: Sequence[Version], number_: int) -> str:
    """'3', or '3 (“loud vocal”)'."""
    name = next((version.name for version in versions if version.id == number_), "")
    return f"{number_} ({quoted(name)})" if name else str(number_)


def versions(voice: Voice, result: History) -> list[Line]:
    """Every version: its number, name and what made it."""
    if len(result.versions) == 1:
        return [Line(voice.say("versions_one"))]
    listed = result.versions[-MOST_VERSIONS:]
    lines = [
        Line(voice.say("versions_count", count=len(result.versions), current=called(result.versions, result.current)))
    ]
    for version in listed:
        from_ = voice.say("version_from", parent=version.parent) if version.parent is not None else ""
        here = voice.say("version_here") if version.id == result.current else ""
        label = version.label if version.parent is None else f"{version.label}{from_}"
        lines.append(
            Line(voice.say("version_line", version=called(result.versions, version.id), label=label + here), 1)
        )
    return [*lines, Line(voice.say("versions_hint"), ASIDE)]


def notes(voice: Voice, result: NotesChecked) -> list[Line]:
    """A client's notes, one a line: done or not, by what was measured."""
    done = sum(note.status == "done" for note in result.notes)
    told = {"before": result.before, "after": result.after, "done": done, "count": len(result.notes)}
    lines = [Line(voice.say("notes_checked", **told))]
    if result.before == result.after:
        lines = [Line(voice.say("notes_same", version=result.after))]
    return lines + [Line(_note(voice, note), REASON) for note in result.notes[:MOST_NOTES]]


def _note(voice: Voice, note: NoteChecked) -> str:
    words, stems = quoted(note.note), as_words([spoken(stem) for stem in note.stems])
    if note.status == "cannot_say" or note.change_lu is None:
        return voice.say("note_cannot_say", words=words, why=note.asked)
    where = voice.say("note_where", part=note.part) if note.part else ""
    if size(note.change_lu) == "0.0":
        measured = voice.say("note_still", stems=stems, where=where)
    else:
        way = "up" if note.change_lu > 0 else "down"
        measured = voice.say("note_moved", stems=stems, way=way, change=size(note.change_lu), where=where)
    wanted = ""
    if note.wanted_lu is not None and note.status in {"partly", "not"}:
        wanted = voice.say("note_wanted", wanted=size(note.wanted_lu))
    return voice.say(f"note_{note.status}", words=words, measured=measured + wanted)


def listening(voice: Voice, result: Listening) -> list[Line]:
    """Where the files or the page lie, and that both are equally loud."""
    if result.same:
        lines = [Line(voice.say("listen_same"), REASON)]
    elif result.loudness_lufs is None:
        lines = [Line(voice.say("listen_unmatched"), REASON)]
    else:
        lines = [Line(voice.say("listen_matched", loudness=number(result.loudness_lufs)), REASON)]
    if result.page is not None:
        return [Line(voice.say("blind_page", path=result.page)), *lines, Line(voice.say("blind_hint"), ASIDE)]
    lead = [Line(voice.say("listen_files"))]
    files = [Line(voice.say("listen_file", label=file.label, what=file.what, path=file.path)) for file in result.files]
    return lead + files + lines
