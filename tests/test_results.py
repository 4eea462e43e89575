"Kinds of results: mattes and comparisons in parts and after a stop, and films that are converted."
import subprocess
from functools import partial

import pytest
import torch

from swapkit import jobs
from swapkit.apps.samples import person_file, sample_film
from swapkit.compositor import Compositor
from swapkit.errors import BadInput
from swapkit.pipeline import analyze, swap_video
from swapkit.video.containers import ffmpeg_exe
from swapkit.video.encode import SegmentWriter
from swapkit.video.photo import read_photo
from swapkit.video.probe import video_info
from swapkit.video.provenance import read_mark
from swapkit.video.read import read_frames
from swapkit.workdir import workdir_path

NETS = dict(detector='tiny_detect', landmarks='tiny_mesh')
FRAMES = 12


@pytest.fixture(scope='module')
def film(tmp_path_factory):
    "A film of one person with uneven time stamps, and its faces file."
    folder = tmp_path_factory.mktemp('film')
    with SegmentWriter(folder/'even.mp4', (160, 160), 24, preset='ultrafast') as w:
        w.write(sample_film(range(FRAMES), ['ben'], (160, 160))[0].data)
    uneven = "setts=pts='PTS+if(gt(N,5),N*90,0)':dts='DTS+if(gt(N,5),N*90,0)'"
    subprocess.run([ffmpeg_exe(), '-v', 'error', '-i', folder/'even.mp4', '-c', 'copy', '-bsf:v', uneven,
                    folder/'film.mkv'], check=True)
    analyze(folder/'film.mkv', folder/'film.faces', **NETS)
    return folder/'film.mkv'


def swap(film, out, **options):
    ready = dict(faces_file=film.with_name('film.faces'), crop=128, **NETS)
    return swap_video(film, person_file('cai'), out, **ready, **options)


def frames_of(path):
    return torch.cat([f.data for f in read_frames(video_info(path), FRAMES)])


@pytest.mark.parametrize('show', ['matte', 'compare'])
def test_a_stopped_result_goes_on(film, tmp_path, monkeypatch, show):
    "Drawn frames of an unfinished segment are kept, and the result is that of an unbroken run."
    monkeypatch.setattr(jobs, 'PartialSegment', partial(jobs.PartialSegment, min_seconds=0))
    drawn, run = [], Compositor.matte if show=='matte' else Compositor.__call__

    def watched(self, frames, *args, **more):
        drawn.extend(frames.idx.tolist())
        return run(self, frames, *args, **more)

    def stop(done, total, what):
        if what=='render' and done>=FRAMES//2: raise KeyboardInterrupt

    whole = frames_of(swap(film, tmp_path/'whole.mkv', show=show, encoder='ffv1'))
    monkeypatch.setattr(Compositor, run.__name__, watched)
    with pytest.raises(KeyboardInterrupt):
        swap(film, tmp_path/'stopped.mkv', show=show, encoder='ffv1', progress=stop)
    assert FRAMES//2<=len(drawn)<=FRAMES # a fast machine has drawn all before it is stopped
    before, made = set(drawn), frames_of(swap(film, tmp_path/'stopped.mkv', show=show, encoder='ffv1'))
    assert len(drawn)<FRAMES+len(before) and (made==whole).all()


def test_parts_of_a_comparison(film, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, 'SEGMENT', 4)
    how = dict(show='compare', encoder='ffv1')
    whole = frames_of(swap(film, tmp_path/'whole.mkv', **how))
    for part in ('2/2', '1/2'): swap(film, tmp_path/'parts.mkv', part=part, **how)
    parts = frames_of(swap(film, tmp_path/'parts.mkv', **how))
    assert (parts==whole).all() and whole.shape==(FRAMES, 3, 160, 320)
    target = frames_of(film)
    assert (whole[..., :160].float()-target).abs().mean()<1
    assert (whole[..., 160:].float()-target).abs().mean()>1


def test_a_webm_keeps_time_stamps(film, tmp_path):
    seconds = lambda info: [round(float(t*info.time_base), 3) for t in info.pts.tolist()]
    made = video_info(swap(film, tmp_path/'a.webm', preset='ultrafast', scale=.5))
    assert seconds(made)==seconds(video_info(film)) and made.width==80
    assert len(set(torch.tensor(seconds(made)).diff().round(decimals=3).tolist()))>1
    assert read_mark(tmp_path/'a.webm')['state']=='valid'


def test_what_is_shown_decides_about_segments(film, tmp_path):
    "A matte never uses the segments of a swap."
    out = tmp_path/'a.mkv'
    swap(film, out, encoder='ffv1', keep=True)
    swap(film, out, encoder='ffv1', keep=True, overwrite=True, show='matte')
    keys = {f.name.split('-')[0] for f in workdir_path(out).glob('*-*-*.*')}
    assert len(keys)==2, keys
    gray = frames_of(out).float()
    assert (gray-gray.mean(1, keepdim=True)).abs().max()<=2 and gray.max()>250


def test_pictures(film, tmp_path):
    "A comparison, a mask and a scaled picture of one frame."
    picture = lambda name, **how: read_photo(swap(film, tmp_path/name, frame=3, **how)).data[0].float()
    plain = picture('plain.png')
    both, small = picture('both.png', show='compare'), picture('small.png', scale=.5)
    mask = picture('mask.png', show='mask')
    assert (both[..., 160:]==plain).all() and both.shape==(3, 160, 320) and small.shape==(3, 80, 80)
    assert (mask[0]==mask[1]).all() and mask.min()==0 and mask.max()==255
    assert (plain!=both[..., :160]).any(0)[mask[0]>250].float().mean()>.9


def test_a_statement_beside_a_film_is_not_overwritten(film, tmp_path):
    swap(film, tmp_path/'a.mkv', encoder='ffv1')
    for more in ({}, dict(overwrite=True)):
        with pytest.raises(BadInput, match=r'a\.c2pa is the signed statement of a\.mkv'):
            swap(film, tmp_path/'a.webm', **more)
    assert read_mark(tmp_path/'a.mkv')['state']=='valid'
