"""Everything runs on a card: tested on a pretend one, which any machine has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dev

JOB = """
import json, sys
sys.path[:0] = [sys.argv[1]]
import pretend_device as card
card.install()
import torch
def refused(f):
    try: f()
    except (RuntimeError, TypeError) as e: return str(e)
    return ''
far = torch.ones(3, device='cuda')
got = dict(mixed=refused(lambda: far+torch.ones(3)), numpy=refused(far.numpy),
           other=refused(lambda: far+torch.ones(3, device='cuda:1')),
           sum=float((far+far*2).sum()), waits=card.COUNT['waits'])

from dataclasses import replace
from swapkit.apps.bench_tools import write_sample_clip
from swapkit.apps.samples import person_file, sample_film
from swapkit.face.landmarks import mesh_crop_matrix
from swapkit.face.track import choose_faces, track
from swapkit.pipeline import swap_video
from swapkit.video.encode import SegmentWriter
from swapkit.video.photo import read_photo
from swapkit.video.probe import video_info
folder, built_in = sys.argv[2], dict(parser='none', detector='tiny_detect', landmarks='tiny_mesh')
frames, faces = sample_film(range(0, 12, 3))
embeddings = torch.arange(len(faces)), torch.nn.functional.one_hot(faces.ids, 2).float()
bare = replace(faces, ids=None)
on_host, on_card = track(bare, embeddings=embeddings), track(
    bare.to('cuda'), embeddings=tuple(t.to('cuda') for t in embeddings))
got['mesh'] = str(mesh_crop_matrix(faces.lms.to('cuda')).device)
got['track'] = [str(on_card.device), on_card.ids.tolist()==on_host.ids.tolist()]
got['choose'] = [str(choose_faces(on_card, who).device) for who in ('largest', 'all', '0')]

film, photo = write_sample_clip(f'{folder}/film.mp4', (144, 256), 6), person_file('cai')
stored = SegmentWriter.stored
small = dict(crop=128, **built_in)
def before_the_encoder(device):
    kept, was = {}, {}
    def keep(self, data, frames=None, *more):
        if frames is None: return stored(self, data, frames, *more)
        for n,new,old in zip(frames.idx.tolist(), data.cpu(), frames.data.cpu()): kept[n], was[n] = new.int(), old.int()
        return stored(self, data, frames, *more)
    SegmentWriter.stored = keep
    out = swap_video(film, photo, f'{folder}/{device}.mp4', device=device, batch=4, preset='ultrafast', **small)
    return [torch.stack([d[n] for n in sorted(d)]) for d in (kept, was)], len(video_info(out))
((a, was), _), ((b, _), n) = before_the_encoder('cpu'), before_the_encoder('cuda')
far = (a-b).abs()
got['film'] = dict(frames=[len(b), n], largest=int(far.max()), over=int((far>2).sum()), touched=int((a!=was).sum()),
                   changed=int((b-was).abs().max()))
crop = f'{folder}/small.png'
from PIL import Image
Image.open(person_file('ada')).resize((256, 256)).save(crop)
pixels = lambda path: read_photo(path).data.int()
a, b = (pixels(swap_video(crop, photo, f'{folder}/{d}.png', device=d, **small)) for d in ('cpu', 'cuda'))
got['photo'] = dict(largest=int((a-b).abs().max()), changed=int((b-pixels(crop)).abs().max()))
print(json.dumps(got))
"""


def test_everything_runs_on_a_card(tmp_path):
    env = {
        **os.environ,
        "SWAPKIT_MODELS": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{f"XDG_{k}_HOME": str(tmp_path) for k in ("CACHE", "CONFIG", "DATA")},
    }
    done = subprocess.run(
        [sys.executable, "-c", JOB, str(Path(__file__).parent), str(tmp_path)],
        cwd=str(dev.ROOT),
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    got = json.loads(done.stdout.splitlines()[-1])
    assert (
        "same device" in got["mixed"] and "cuda:0 and cuda:1" in got["other"] and "numpy" in got["numpy"]
    )  # it catches what it is for
    assert got["sum"] == 9 and got["waits"] == 1
    assert got["mesh"] == "cuda:0" and got["track"] == ["cuda:0", True] and got["choose"] == ["cuda:0"] * 3
    film = got["film"]
    # On a CPU OpenCV rounds places to 1/32 pixel. At sharp edges of this small film that makes up to 5 levels; without
    # OpenCV crops and landmarks of both devices are equal.
    assert film["frames"] == [6, 6] and film["largest"] <= 6 < 20 < film["changed"]
    assert film["over"] < 0.0005 * film["touched"]
    assert got["photo"]["largest"] <= 4 < 20 < got["photo"]["changed"]
