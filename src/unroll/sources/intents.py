"""Commands to a voice assistant, sampled from the sentence templates of Home Assistant's intents.

A template such as ``<turn> on [<the>] {name}`` has optional parts ``[..]``, alternatives ``(..|..)``, parts in any
order ``(..;..)``, rules ``<..>`` and slots ``{..}``. All their expansions together are far too many to list, so a
sentence is drawn by one random walk down the parsed template.

The templates are made to recognise whatever people say and accept much that nobody would ("turn on the kitchen the
lamp"). To speak them, ``REWRITES``, ``RULES`` and ``LISTS`` narrow them to plain English; ``LISTS`` and ``NAMES`` also
fill the slots whose values the data leave to the home.
"""

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from hassil import expression as parsed
from hassil.intents import IntentData, Intents, RangeSlotList
from hassil.numbers import get_rbnf_engine

from unroll.errors import UserError

OPTIONAL = 0.7  # the share of optional parts that are spoken; most are articles
LONGEST = 12  # words
PATIENCE = 100  # walks in a row without a new sentence, after which an intent counts as exhausted

# Replacements in the text of the templates, made in this order: doubled or missing articles and prepositions, orders of
# words and missing verbs that only a recogniser accepts, plurals.
REWRITES = (
    (r"\{floor\} \[floor\]", "{floor}"),
    (r"(?:\[<in>\]|<in>|\[?in\]?|\(in\|on\)) (\[<the>\]|<the>) \{floor\}", r"on \1 {floor}"),
    (r"\[?\((?:in|on)\|(?:in|on)\)\]? \[<the>\] \{area\}", "in [<the>] {area}"),
    (r"\[(<in>|in|on|on\|for)\] \[<the>\] \{", r"(\1) [<the>] {"),
    (r"^\[(<set>|<numeric_value_set>|<turn>|activate)\]", r"\1"),
    (r"^\[\(activate\|run\|start\|<turn>\)\] (.*) \[on\]$", r"(activate|run|start) \1"),
    (r"^\((\(unpause\|resume\)|pause);(.*)\)$", r"\1 \2"),
    (r"^\(\[<the>\] (\{\w+\});(volume [^)]*)\)", r"[<the>] \1 \2"),
    (r"^<is> \[<the>\] \{name\}", "is [<the>] {name}"),
    (r"^<what_is> (.*weather.*) \[like\]$", r"(what's|what is) \1 [like]"),
    (r"\(for\|in\|at\) \[<the>\] \{name\}", "(for|at) the {name}"),
    (r"\[<all>\] \[<the>\]", "[(<all>|<the>)]"),
    (r"\{area\} \[<the>\] \{name\}", "{area} {name}"),
    (r"scene \[<the>\]", "scene"),
    (r"\{name\} (<light>|\[mower\])", "{name}"),
    (r"\{name\} \[list\]", "{name} list"),
    (r"^\(check\|complete[^)]*\) \(off;(.*)\) \(from\|on\|in\)", r"check off \1 (from|on)"),
    (r"\(off\|from\|on\|in\)", "(off|from)"),
    (r"\(on\|in\) \[my\|the\]", "on [my|the]"),
    (r"\[to\] (on|off)$", r"\1"),
    (r"\[to\] (\[the\] )?\{", r"to \1{"),
    (r"speed \[of( \[the\])?\]", r"speed of\1"),
    (r"turn \[volume\]", "turn volume"),
    (r"(volume|turn) \{volume_step\}", r"\1 (up|down)"),
    (r"(\[turn\] )?\{volume_step\}", "(increase|decrease)"),
    (r" \[position\]", ""),
    (r"<light> \{floor\}", "<light> on the {floor}"),
    (r"\(people\|persons\)", "people"),
    (r"(track|song)\|item", "track|song"),
    (r"\[\(song\|track\)( ?)\]", r"(song|track)\1"),
    (r"\[\[ \]\(k\|kelvin\)\]", "[ kelvin]"),
    (r"\[a\|an\|the\|my\]", "(a|my)"),
    (r"and \[a\]", "and a"),
    (r"fan\[s\]", "fans"),
    (r"switch\[es\]", "switches"),
    (r"timer\[s\]", "timer"),
)
UNSPOKEN = {"[<the>] {name}", "[<the>] {name} on", "[<the>] {area} {name} on"}

RULES = {
    "all": "all [of] (the|my)",
    "any": "any [of the]",
    "are": "are",
    "are_all": "are all [of] (the|my)",
    "are_any": "are any [of the]",
    "close": "(close|shut)",
    "everywhere": "(everywhere|in the [(whole|entire)] (house|apartment|flat))",
    "here": "(in here|in this room)",
    "home": "(house|apartment|flat)",
    "how_is": "(how is|how's)",
    "how_many": "how many [of the]",
    "in": "in",
    "is": "are",
    "light": "(lights|lamps)",
    "lockable": "(locks|doors|windows|gates|garage doors|shutters)",
    "media": "(music|movie|[tv] show|song|track)",
    "numeric_value_set": "(set|change|adjust)",
    "open": "open",
    "set": "(set|change|turn)",
    "temp": "temperature",
    "the": "(the|the|my)",
    "track": "(song|track)",
    "turn": "(turn|switch)",
    "what_is": "(what's|what is|tell me)",
    "where_is": "(where's|where is)",
    "which": "which [of the]",
}

LISTS = {
    "area": (
        "kitchen, bedroom, bathroom, living room, dining room, office, garage, hallway, basement, attic, laundry room,"
        " guest room, nursery, library, play room, pantry, cellar, garden, balcony, workshop, study, sun room"
    ),
    "floor": "ground floor, first floor, top floor, upper floor, lower floor, third floor",
    "color": "white, red, orange, yellow, green, blue, purple, pink, turquoise",
    "color_temperature": range(2000, 6600, 100),
    "cover_classes": "awnings, blinds, curtains, doors, garage doors, gates, shades, shutters, windows",
    "cover_states": "open, closed, shut",
    "fan_mode": "automatic, low, medium, high, focus, diffuse",
    "lock_states": "locked, unlocked",
    "media_class": "album, playlist, song",
    "message": (
        "dinner is ready, the bus is here, it is time for bed, lunch is on the table, we leave in ten minutes, the"
        " movie starts now, somebody is at the door, breakfast is served, the laundry is done, grandma is on the phone"
    ),
    "search_query": (
        "jazz, classical music, the beatles, rainy day blues, summer hits, the evening news, bedtime stories, queen,"
        " whale songs, smooth piano, the four seasons, folk songs, morning coffee, old time radio, dance classics"
    ),
    "shopping_list_item": (
        "milk, eggs, bread, butter, two lemons, a bag of rice, coffee beans, toothpaste, apples, olive oil, cheese,"
        " paper towels, orange juice, dog food, six onions, batteries, frozen peas, dark chocolate, honey, yogurt"
    ),
    "temperature": range(10, 91),
    "timer_command": (
        "turn off the lights, close the blinds, open the garage door, lock the front door, start the vacuum, turn on"
        " the heater, stop the music, turn up the volume, switch off the oven"
    ),
    "timer_half": "half",
    "timer_hours": range(1, 13),
    "timer_minutes": range(1, 60),
    "timer_name": (
        "pizza, egg, pasta, laundry, tea, workout, homework, bread, nap, oven, rice, soup, parking, cookie, break"
    ),
    "timer_seconds": range(5, 60),
    "todo_list_item": (
        "call the dentist, water the plants, pay the rent, wash the car, book a hotel, send the letter, feed the cat,"
        " return the books, buy a gift, clean the windows, renew my passport, fix the bike, pack the tent, walk the dog"
    ),
    "volume_step_down": range(1, 100),
    "volume_step_up": range(1, 100),
    "zone": "office, garden, gym, library, park, garage, house, city, museum",
}

# What {name} may be in a template that asks for devices of these kinds.
NAMES = {
    "binary_sensor": "mailbox, parking space, driveway, guest room, carport, back entrance, shower, pool",
    "button": "doorbell, reset, panic, intercom, elevator",
    "climate": "thermostat, air conditioner, heat pump, radiator, boiler",
    "cover": "roller blind, garage door, front gate, awning, skylight, curtain, left shutter, big window",
    "fan": "ceiling fan, desk fan, tower fan, exhaust fan, attic fan",
    "input_boolean": "guest mode, vacation mode, quiet mode, alarm clock",
    "lawn_mower": "garden robot, robot mower, red mower",
    "light": (
        "bedside lamp, desk lamp, reading lamp, ceiling light, porch light, floor lamp, night light, chandelier,"
        " mirror light, string lights, flood light, candle"
    ),
    "lock": "front door, back door, side gate, patio door, garden shed, cellar door, safe, cabinet",
    "media_player": "television, speaker, radio, stereo, sound bar, record player, projector, tablet",
    "person": "babysitter, cleaner, gardener, neighbor, plumber, nanny, landlord, dog walker",
    "scene": "movie night, dinner, sunset, romantic, relaxing, party, bedtime, good morning, reading, winter",
    "script": "bedtime routine, morning routine, wake up call, evening check, birthday surprise",
    "sensor": "humidity, battery level, power usage, air quality, soil moisture, outdoor temperature, water pressure",
    "switch": "coffee maker, heater, kettle, christmas tree, sprinkler, water pump, electric blanket, aquarium, oven",
    "todo": "packing, birthday, chores, work, holiday, weekend, school, reading",
    "vacuum": "robot vacuum, vacuum cleaner, robot, mop",
    "valve": "water valve, gas valve, sprinkler valve, main valve, heating valve",
    "weather": "beach, city, mountains, lake, valley, countryside, north coast, airport",
}

UNITS = {"hour", "minute", "second", "degree"}
TENS = {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
Piece = tuple[str, str]  # a part of a sentence, and the slot that it fills or ""


class Sentence(NamedTuple):
    """A command: lower-case words of letters and apostrophes, what it means, and the template it was drawn from.

    ``slots``: for each word ``O``, or ``B-`` or ``I-`` and the slot that it begins to fill or fills on.
    """

    text: str
    intent: str
    template: str
    slots: tuple[str, ...]


def sentences(path: Path, count: int, seed: int) -> list[Sentence]:
    """``count`` different commands from the templates in ``path``, in random order, the same for the same seed.

    Every intent is as likely as any other until all its sentences have been drawn. Raises ``UserError`` when the
    file is not one of Home Assistant's intents or has fewer sentences than asked for.
    """
    intents = _read(path)
    rng = np.random.default_rng(seed)
    pool = sorted(intents.intents)
    drawn: dict[str, Sentence] = {}
    while len(drawn) < count and pool:
        name = pool[rng.integers(len(pool))]
        walks = (_draw(intents, name, rng) for _ in range(PATIENCE))
        new = next((s for s in walks if 2 <= len(s.text.split()) <= LONGEST and s.text not in drawn), None)
        if new:
            drawn[new.text] = new
        else:
            pool.remove(name)
    if len(drawn) < count:
        raise UserError(f"{path} yields {len(drawn)} different sentences, {count} were asked for: ask for fewer")
    found = list(drawn.values())
    return [found[i] for i in rng.permutation(count)]


def _read(path: Path) -> Intents:
    try:
        return Intents.from_dict(_for_speaking(json.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run `python -m unroll.stages.fetch home-assistant-intents`") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not a file of Home Assistant's intents ({error!r}): fetch it again") from None


def _for_speaking(content: dict) -> dict:
    """The parsed file with its templates, rules and lists narrowed, and a list of names for each block."""
    for block in (block for intent in content["intents"].values() for block in intent["data"]):
        rewritten = [_rewrite(sentence) for sentence in block["sentences"]]
        block["sentences"] = [sentence for sentence in rewritten if sentence not in UNSPOKEN]
        domains = block.get("requires_context", {}).get("domain", [])
        names = [name for domain in domains for name in NAMES.get(domain, "").split(", ") if name]
        block["lists"] = {"name": {"values": names}}
    content["lists"] |= {name: _list(values) for name, values in LISTS.items()}
    content["expansion_rules"] |= RULES
    return content


def _rewrite(template: str) -> str:
    for pattern, replacement in REWRITES:
        template = re.sub(pattern, replacement, template)
    return template


def _list(values: str | range) -> dict:
    if isinstance(values, range):
        return {"range": {"from": values.start, "to": values[-1], "step": values.step}}
    return {"values": values.split(", ")}


def _draw(intents: Intents, name: str, rng: np.random.Generator) -> Sentence:
    blocks = [block for block in intents.intents[name].data if block.sentences]
    block = blocks[rng.integers(len(blocks))]
    template = block.sentences[rng.integers(len(block.sentences))]
    words, slots = _plain(_walk(template.expression, intents, block, rng))
    return Sentence(" ".join(words), name, template.text, tuple(slots))


def _walk(node: parsed.Expression, intents: Intents, block: IntentData, rng: np.random.Generator) -> list[Piece]:
    """One expansion of a parsed template, drawn at random."""
    match node:
        case parsed.TextChunk():
            return [(node.original_text, "")]
        case parsed.Alternative(is_optional=True):
            return _walk(_choice(node.items[:-1], rng), intents, block, rng) if rng.random() < OPTIONAL else []
        case parsed.Alternative():
            return _walk(_choice(node.items, rng), intents, block, rng)
        case parsed.Permutation():
            parts = [node.items[i] for i in rng.permutation(len(node.items))]
            return [piece for part in parts for piece in ((" ", ""), *_walk(part, intents, block, rng))][1:]
        case parsed.Group():
            return [piece for item in node.items for piece in _walk(item, intents, block, rng)]
        case parsed.RuleReference():
            return _walk(intents.expansion_rules[node.rule_name].expression, intents, block, rng)
        case parsed.ListReference():
            values = block.slot_lists.get(node.list_name) or intents.slot_lists[node.list_name]
            if isinstance(values, RangeSlotList):
                number = rng.integers(values.start, values.stop + 1) // values.step * values.step
                return [(get_rbnf_engine("en").format_number(int(number)).text, node.slot_name)]
            filled = _walk(_choice(values.values, rng).text_in, intents, block, rng)
            return [("".join(text for text, _ in filled), node.slot_name)]
    raise TypeError(f"{type(node).__name__} is no part of a template")


def _choice(items: list, rng: np.random.Generator):
    return items[rng.integers(len(items))]


def _plain(pieces: Sequence[Piece]) -> tuple[list[str], list[str]]:
    """The words of a sentence as they are said, units in the right number, and the slot that each fills."""
    letters = [_letters(text) for text, _ in pieces]
    owner = [number for number, text in enumerate(letters) for _ in text]  # of each letter: its piece
    found = list(re.finditer(r"[^ ]+", "".join(letters)))
    words = [word[0] for word in found]
    begun = [owner[word.start()] for word in found]  # of each word: the piece that it begins in
    slots = [_slot(pieces[piece][1], goes_on=piece == before) for before, piece in pairwise([None, *begun])]
    return [_agreed(words, i) if word.removesuffix("s") in UNITS else word for i, word in enumerate(words)], slots


def _letters(text: str) -> str:
    """A text in lower case, signs as words."""
    text = text.lower().replace("%", " percent").replace("°", " degrees").replace("-", " ")
    return re.sub(r"[^a-z' ]", "", text)


def _slot(name: str, goes_on: bool) -> str:
    return f"{'I' if goes_on else 'B'}-{name}" if name else "O"


def _agreed(words: list[str], at: int) -> str:
    """A unit in singular or plural: one hour, half an hour, two hours, twenty one hours, a two hour timer."""
    unit = words[at].removesuffix("s")
    before, last = ["", "", *words][at : at + 2]
    single = last in {"a", "an"} or (last == "one" and before not in TENS)
    return unit if single or words[at + 1 : at + 2] == ["timer"] else unit + "s"
