"""Counts what a version of swapkit does on an accelerator for each batch: operations, host waits, copies, bytes.

    python tests/device_count.py FOLDER [OUT.json]

FOLDER holds a package `swapkit`, 0.5.0 or later. The film has 48 frames of 480 × 480 pixels with one face; a batch has
16. A pass over all frames, less a pass over the first 16, gives two batches without what is done once. The accelerator
is `pretend_device`; the definitions stand there. In 0.5.0 one line is mended that stopped it at the first frame of
every film on a GPU."""

import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NETS = dict(detector="tiny_detect", landmarks="tiny_mesh")


def mend_050():
    "`look_at_mesh` made a tensor on the CPU and divided a CUDA tensor by it."
    import swapkit.landmarks as old
    import torch

    def look_at_mesh(lms, size=192):
        xy, across = lms[..., :2], lms[:, 263, :2] - lms[:, 33, :2]
        level = old.look_at(xy.mean(1), torch.full((len(xy),), float(size), device=xy.device), across, size)
        p = old.transform(level, xy)
        lo, hi = p.amin(1), p.amax(1)
        mid = old.transform(old.invert(level), ((lo + hi) / 2)[:, None])[:, 0]
        return old.look_at(mid, (hi - lo).amax(1) * 1.5, across, size)

    old.look_at_mesh = look_at_mesh


def write_film(path):
    "By the version beside this file, so that every version counts on the same film."
    import subprocess

    words = f"from swapkit.apps.bench_tools import write_sample_clip as w; w({str(path)!r}, (480, 480), 48)"
    subprocess.run([sys.executable, "-c", words], cwd=HERE.parent, check=True)


def main(folder, out=None):
    work = Path(tempfile.mkdtemp())
    write_film(work / "film.mp4")
    sys.path[:0] = [str(HERE), str(Path(folder).resolve())]
    import pretend_device as card

    card.install()
    import swapkit
    from swapkit import pipeline

    assert Path(swapkit.__file__).is_relative_to(Path(folder).resolve()), swapkit.__file__
    first = swapkit.__version__.startswith("0.5.0")
    if first: mend_050()
    analyze = pipeline.analyse if first else pipeline.analyze
    film, photo = str(work / "film.mp4"), str(HERE.parent / "swapkit" / "samples" / "ben.jpg")
    end = {16: 16 / 24, 48: None}

    def count(run):
        card.reset()
        run()
        return dict(card.COUNT)

    def both(run):
        run(16)  # constants are uploaded once
        few, all_ = count(lambda: run(16)), count(lambda: run(48))
        return {k: (all_.get(k, 0) - few.get(k, 0)) / 2 for k in ("operations", "views", "waits", "copies", "bytes")}

    got = {}
    if first: analyze(film, f"{work}/48.faces", device="cuda", batch=16, **NETS)  # it has no option `end`
    else:
        got["first pass"] = both(
            lambda n: analyze(film, f"{work}/{n}.faces", device="cuda", batch=16, end=end[n], overwrite=True, **NETS)
        )
    got["second pass"] = both(
        lambda n: pipeline.swap_video(
            film, photo, f"{work}/{n}.mp4", faces_file=f"{work}/48.faces", device="cuda", batch=16, end=end[n],
            preset="ultrafast", overwrite=True,
            **NETS,
        )
    )
    print(json.dumps({swapkit.__version__: got}, indent=1))
    if out:
        path = Path(out)
        table = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        table["command"] = "python tests/device_count.py FOLDER results/device.json"
        table["counted"] = "for each batch of 16 frames of 480 x 480 pixels with one face, on the pretend accelerator"
        table.setdefault("versions", {})[swapkit.__version__] = got
        path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
