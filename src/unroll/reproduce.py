"""Runs the pipelines side by side: what ``make repro`` does.

``python -m unroll.reproduce --jobs 2 [--field speech]`` hands the stages that ``dvc dag`` names to as many processes
of ``dvc repro`` as there are jobs, each as soon as the stages before it are done. DVC decides what really has to
run; a stage that fails stops only those after it, and the next call goes on from there.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from types import MappingProxyType

from unroll import params
from unroll.errors import UserError, ends_clearly
from unroll.stages.paths import ARTIFACTS, DATABASE, Task
from unroll.training import tracking

REPORT = "report"
SOURCES = "pipelines/sources/"
DOWNLOADS = 4  # at once, beside the jobs: they wait for the network and leave the cores alone
TRAINING = re.compile(r"pipelines/(?P<field>\w+)/dvc\.yaml:train_(?P<task>\w+)@(?P<model>\w+)(-\w+)?")
Graph = dict[str, set[str]]  # a stage → the stages before it


def main() -> None:
    """Reproduces everything, or one field, and ends with the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once (default: the cores)")
    parser.add_argument("--field", help="only this field, such as speech")
    arguments = parser.parse_args()
    with ends_clearly():
        reproduce(max(1, arguments.jobs), arguments.field)


def reproduce(jobs: int, field: str | None) -> None:
    """Runs every stage of the field (or of all) that is not up to date, then the report."""
    _, fields = params.load()
    if field and field not in fields:
        raise UserError(f"FIELD={field}: no such field; there are {', '.join(fields)}")
    tracking.Tracker(DATABASE, ARTIFACTS)  # makes the database, before processes race for it
    graph = read_dag(_dvc("dag", "--dot"))
    wanted = {name for name in graph if name != REPORT and (not field or f"pipelines/{field}/" in name)}
    wanted = set().union(wanted, *(_before(graph, name) for name in wanted))
    graph = {name: graph[name] for name in graph if name in wanted}
    start = time.monotonic()
    failed = _run_all(graph, jobs)
    if failed:
        raise UserError(f"failed: {', '.join(failed)}; see above. What is done stays done: mend it and run again")
    _dvc("repro", "-q", *(["-s", REPORT] if field else []))
    print(f"done in {(time.monotonic() - start) / 60:.1f} minutes", flush=True)


def read_dag(dot: str) -> Graph:
    """The graph that ``dvc dag --dot`` printed."""
    graph = {name: set() for name in re.findall(r'^"([^"]+)";$', dot, re.MULTILINE)}
    for before, after in re.findall(r'^"([^"]+)" -> "([^"]+)";$', dot, re.MULTILINE):
        graph[after].add(before)
    return graph


def chains(
    graph: Graph, done: set[str], started: set[str], seconds: Mapping[str, float] = MappingProxyType({})
) -> list[list[str]]:
    """What can start now, the longest way to the end first: runs of stages with nothing beside them in between.

    A download is a run of its own. ``seconds``: how long a stage takes, where that is known; of others one is counted.
    """
    after = {name: [other for other in graph if name in graph[other]] for name in graph}

    def way(name: str) -> int:
        return seconds.get(name, 1) + max(map(way, after[name]), default=0)

    ready = [name for name in graph if name not in started and graph[name] <= done]
    found = []
    for name in sorted(ready, key=lambda name: (-way(name), name)):
        chain = [name]
        while not _downloads(chain) and len(after[chain[-1]]) == 1 and graph[after[chain[-1]][0]] <= done | set(chain):
            chain.append(after[chain[-1]][0])
        found.append(chain)
    return found


def trained_before(graph: Graph) -> dict[str, float]:
    """The seconds that training took when the metrics were measured, of each stage that trains.

    What takes longest should start first, else it is what all wait for in the end (Graham 1969, "Bounds on
    multiprocessing timing anomalies").
    """
    found = {name: match for name in graph if (match := TRAINING.fullmatch(name))}
    folds = Counter(match.group("field", "task", "model") for match in found.values())  # measured together
    known = {}
    for name, match in found.items():
        with suppress(OSError, ValueError, KeyError):
            metrics = json.loads(Task(*match.group("field", "task")).metrics(match["model"]).read_text())
            known[name] = float(metrics["train_seconds"]) / folds[match.group("field", "task", "model")]
    return known


def _run_all(graph: Graph, jobs: int) -> list[str]:
    """Runs the stages of the graph; returns those that failed."""
    seconds = trained_before(graph)
    done, started, failed = set(), set(), []
    running: dict[Future, list[str]] = {}
    places = {True: DOWNLOADS, False: jobs}  # for downloads, and for what keeps a core busy
    with ThreadPoolExecutor(sum(places.values())) as pool:
        while True:
            for chain in chains(graph, done, started, seconds):
                if places[_downloads(chain)]:
                    places[_downloads(chain)] -= 1
                    started |= set(chain)
                    running[pool.submit(_run, chain)] = chain
            if not running:
                return failed
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                chain = running.pop(future)
                places[_downloads(chain)] += 1
                if future.result():
                    done |= set(chain)
                else:
                    failed.append(" → ".join(chain))


def _downloads(chain: list[str]) -> bool:
    return chain[0].startswith(SOURCES)


def _run(chain: list[str]) -> bool:
    """Runs a chain of stages in one process, each line of its output under the name of the first."""
    name = chain[0].rpartition(":")[2]
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", *chain]
    environment = os.environ | {"PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment) as process:
        for line in _lines(process.stdout):
            print(f"[{name}] {line}", flush=True)
    return process.returncode == 0


def _lines(stream, seconds: float = 5.0) -> Iterator[str]:
    """The lines of a byte stream; of a progress bar that redraws itself, one state every few seconds and the last."""
    text, shown, bar = b"", 0.0, ""
    while chunk := stream.read1(4096):
        *parts, text = re.split(rb"(?<=[\r\n])", text + chunk)
        for part in parts:
            line = part.decode(errors="replace").rstrip()
            if part.endswith(b"\n") and (line or bar):
                yield line or bar
                bar = ""
            elif line:
                bar = line
                if time.monotonic() - shown > seconds:
                    shown = time.monotonic()
                    yield line
    if last := text.decode(errors="replace").rstrip() or bar:
        yield last


def _before(graph: Graph, name: str) -> set[str]:
    """All stages that a stage rests on."""
    return graph[name].union(*(_before(graph, other) for other in graph[name]))


def _dvc(*arguments: str) -> str:
    """What a command of DVC printed on standard output; ``UserError`` with the rest of it when it fails."""
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"`dvc {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    main()
