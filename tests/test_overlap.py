"""Copies beside the computation, several segments at once, several GPUs: tested on two pretend cards.

As a script it runs everything in one process, because the pretend cards stay for the life of a process."""

import gc
import json
import os
import subprocess
import sys
import time
import weakref
from pathlib import Path
from unittest import mock

import pytest

HERE = Path(__file__).parent


# --- on the pretend cards ---------------------------------------------------------------------------------------------

def logged_streams(cuda, log):
    "Replace streams and events by some that note who waits for whom."
    class Event(cuda.Event):
        def __init__(self, **kw): self.on = None
        def record(self, stream=None): self.on = stream.name
        def synchronize(self): log.append(f"host waits for {self.on}")

    class Stream(cuda.Stream):
        def __init__(self, device=None, **kw): super().__init__(device); self.name = names.pop(0)
        def wait_event(self, event): log.append(f"{self.name} waits for {event.on}")
        def record_event(self, event=None):
            event = event or Event()
            event.record(self)
            return event

    names = ["compute", "up", "down"]
    compute = Stream()
    cuda.Stream, cuda.Event, cuda.current_stream = Stream, Event, lambda device=None: compute


def check_transfer(card):
    import torch

    from swapkit.transfer import map_pieces, Transfer
    from swapkit.types import Faces, Frames

    cuda, was, log = torch.cuda, (torch.cuda.Stream, torch.cuda.Event, torch.cuda.current_stream), []
    data = torch.randint(0, 256, (4, 48, 64, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    frames = Frames(data, torch.arange(4), torch.arange(4), planes=torch.ones(4, 4608, dtype=torch.uint8))
    faces = Faces(torch.arange(4), torch.zeros(4, 4), torch.zeros(4, 5, 2), torch.ones(4))
    link = Transfer("cuda:1")
    card.reset()
    (f, c), note = link.send(((frames, faces), "a note"))()
    sent = dict(card.COUNT)
    got = link.fetch((255 - f.data, f.data[:1], note))()
    both = {k: card.COUNT[k] for k in ("copies", "waits", "download")}
    same = torch.equal(got[0], 255 - frames.data) and torch.equal(got[1], frames.data[:1])
    logged_streams(cuda, log)
    pieces = [(frames[i:i+1],) for i in range(4)]
    order = []
    run = lambda p: order.append("compute") or (int(p[0].pts[0]), 255 - p[0].data)
    finish = lambda made: order.append("finish") or made
    pixels = [x for _, x in map_pieces(run, pieces, torch.device("cuda"), finish)]
    cuda.Stream, cuda.Event, cuda.current_stream = was
    return dict(
        place=str(f.data.device), strides=f.data.stride() == frames.data.stride(), note=note, same=same,
        sent={k: sent.get(k, 0) for k in ("copies", "waits")}, both=both, log=log, order=order,
        pixels=torch.equal(torch.cat(pixels), 255 - frames.data),
    )


def check_films(card, folder):
    import numpy as np
    import torch

    from swapkit import jobs
    from swapkit.apps.bench_tools import write_sample_clip
    from swapkit.apps.samples import person_source
    from swapkit.compositor import Compositor
    from swapkit.errors import SystemFault
    from swapkit.messages import collect_messages
    from swapkit.pipeline import analyze, swap_video
    from swapkit.registry import SWAPPERS
    from swapkit.swap.base import SwapSpec
    from swapkit.video.probe import video_info
    from swapkit.video.read import read_frames

    SWAPPERS["negative"] = SwapSpec(template="ffhq_512", run=lambda _, crops, source: 1 - crops.data)
    film, faces = write_sample_clip(f"{folder}/film.mp4", (96, 160), 16), f"{folder}/film.faces"
    built_in = dict(detector="tiny_detect", landmarks="tiny_mesh")
    analyze(film, faces, device="cpu", **built_in)
    source = person_source("cai")
    jobs.SEGMENT, jobs.count_workers = 4, lambda *a: 4
    alive, most, call, used, fails = set(), [0], Compositor.__call__, [], []

    def counted_reader(*args, open_reader=jobs.open_reader):
        get = open_reader(*args)

        def read(numbers):
            data, planes = get(numbers)
            memory = np.ascontiguousarray(data.permute(0, 2, 3, 1).numpy())
            alive.add(id(memory))
            most.append(len(alive))
            weakref.finalize(memory, alive.discard, id(memory))
            return torch.from_numpy(memory).permute(0, 3, 1, 2), planes
        return read

    def swap(self, frames, *more):
        used.append(str(self.device))
        if used.count(str(self.device)) > dict(fails).get(str(self.device), 999):
            raise RuntimeError("CUDA error: unspecified launch failure\nand more lines")
        return call(self, frames, *more)

    jobs.open_reader, Compositor.__call__ = counted_reader, swap

    def render(name, fail=(), keep=False, **how):
        used.clear()
        fails[:] = fail
        told = []
        with collect_messages() as said:
            try:
                how = dict(swapper="negative", batch=2, crop=64, preset="ultrafast", parser="none") | built_in | how
                tell = lambda n, total, _: told.append((n, total))
                out = swap_video(film, source, f"{folder}/{name}.mp4", faces_file=faces, progress=tell, **how)
            except (RuntimeError, SystemFault) as e:
                done = sorted(Path(folder, f"{name}.mp4.parts").glob("*.mp4"))
                return dict(error=str(e).splitlines()[0], done=len(done), said=said)
        pixels = torch.cat([f.data for f in read_frames(video_info(out))])
        kept = Path(folder, f"{name}.mp4.parts").exists()
        return dict(pixels=pixels, said=said, used=sorted(set(used)), calls=len(used), told=told[-1], kept=kept)

    def fail_at(n, write=jobs.write_xmp):
        def write_or_fail(path, left=[n]):  # noqa: B006
            left[0] -= 1
            if not left[0]: raise SystemFault("the second segment cannot be marked")
            return write(path)
        return write_or_fail

    mesh = dict(device="cuda", swapper="mesh", batch=4)
    with mock.patch.object(jobs, "write_xmp", fail_at(2)): broken = render("broken", device="cpu")
    made = dict(
        broken=broken, repaired=render("broken", device="cpu"), cpu=render("cpu", device="cpu"),
        one=render("one", device="cuda"), two=render("two", device="cuda", devices="0,1"),
        lost=render("lost", [("cuda:1", 1)], devices="all"),
        mesh=render("mesh", **mesh), meshes=render("meshes", devices="all", **mesh),
        slow=render("slow", [("cuda:0", 3), ("cuda:1", 2)], devices="0,1"), again=render("slow", devices="1"),
    )
    one = made["one"]["pixels"]
    far = (one.int() - made["cpu"]["pixels"].int()).abs()
    for r in made.values():
        if "pixels" in r: r["equal"] = torch.equal(r["pixels"], one)
    made["repaired"]["equal"] = torch.equal(made["repaired"]["pixels"], made["cpu"]["pixels"])
    made["meshes"]["equal"] = torch.equal(made["meshes"]["pixels"], made["mesh"]["pixels"])
    for r in made.values(): r.pop("pixels", None)
    for _ in range(50):  # readers end within a tenth of a second
        gc.collect()
        if not alive: break
        time.sleep(.1)
    return dict(made, most=max(most), far=float(far.float().mean()), left=len(alive))


def everything(folder):
    sys.path.insert(0, str(HERE))
    import pretend_device as card

    card.install()
    return dict(transfer=check_transfer(card), films=check_films(card, folder))


# --- the tests --------------------------------------------------------------------------------------------------------

def options(): # swapkit is imported after the pretend cards are there
    from swapkit.errors import BadInput
    from swapkit.options import RunOptions
    return RunOptions, BadInput


@pytest.fixture(scope="module")
def got(tmp_path_factory):
    folder = tmp_path_factory.mktemp("overlap")
    homes = {f"XDG_{k}_HOME": str(folder) for k in ("CACHE", "CONFIG", "DATA")}
    done = subprocess.run(
        [sys.executable, __file__, str(folder)], cwd=str(HERE.parent), capture_output=True, text=True,
        env={**os.environ, **homes, "SWAPKIT_MODELS": "", "PYTHONDONTWRITEBYTECODE": "1",
             "PYTHONPATH": str(HERE.parent)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_one_copy_each_way_and_one_wait(got):
    t = got["transfer"]
    assert t["place"] == "cuda:1" and t["strides"] and t["note"] == "a note" and t["same"] and t["pixels"]
    assert t["sent"] == dict(copies=1, waits=0)
    assert t["both"] == dict(copies=2, waits=1, download=1)


def test_the_order_of_copies_and_events(got):
    t = got["transfer"]
    # a batch is downloaded only after the next was given to the card
    assert t["order"] == ["compute", "compute", "finish", "compute", "finish", "compute", "finish", "finish"]
    batch = ["compute waits for up", "down waits for compute"]
    wait = ["host waits for down"]
    assert t["log"] == [*batch, *batch, *wait, *batch, *wait, *batch, *wait, *wait]


def test_segments_at_once_give_the_same_film(got):
    films = got["films"]
    assert films["one"]["used"] == ["cuda"] and films["two"]["used"] == ["cuda:0", "cuda:1"]
    assert films["two"]["equal"] and films["one"]["calls"] == films["two"]["calls"] == 8
    assert films["meshes"]["equal"] and films["meshes"]["used"] == ["cuda:0", "cuda:1"]
    assert films["far"] < 1  # the card's picture is the CPU's
    assert all(films[k]["told"] == [16, 16] and not films[k]["kept"] for k in ("cpu", "one", "two", "lost", "again"))


def test_a_card_that_fails_gives_its_segment_back(got):
    lost = got["films"]["lost"]
    assert lost["equal"] and lost["used"] == ["cuda:0", "cuda:1"]
    assert [s for s in lost["said"] if "cuda:1" in s] == [
        "cuda:1 failed and is not used again; the other GPUs take over its work "
        "(CUDA error: unspecified launch failure)"
    ]


def test_when_all_cards_fail_finished_segments_stay(got):
    slow, again = got["films"]["slow"], got["films"]["again"]
    assert slow["error"] == "CUDA error: unspecified launch failure"
    assert len([s for s in slow["said"] if s.startswith("cuda:")]) == 1
    assert again["equal"] and again["used"] == ["cuda:1"] and again["calls"] <= 8 - 2*slow["done"]


def test_an_error_at_the_end_of_a_segment_ends_the_job(got):
    broken, repaired = got["films"]["broken"], got["films"]["repaired"]
    assert broken["error"] == "the second segment cannot be marked"
    assert broken["done"] == 1
    assert repaired["equal"] and repaired["calls"] <= 8 - 2*broken["done"]


@pytest.mark.parametrize("given, kept", [("0,1", "0,1"), (" 01, 2 ", "1,2"), ("all", "all"), ("", ""), (3, "3")])
def test_numbers_of_gpus(given, kept): assert options()[0](devices=given).devices == kept


@pytest.mark.parametrize("given", ["0,0", "cuda:1", "1;2", "-1", ",", "1,", True, None, 1.5])
def test_wrong_numbers_of_gpus(given):
    run, refused = options()
    with pytest.raises(refused, match="write all, or numbers of GPUs like 0,1"): run(devices=given)


def test_memory_does_not_grow_with_the_film(got):
    "Of each worker one batch is decoded, one waits and one is packed. The others are on the card, or in pinned memory."
    assert 1 <= got["films"]["most"] <= 4*3 and got["films"]["left"] == 0


if __name__ == "__main__": print(json.dumps(everything(sys.argv[1])))
