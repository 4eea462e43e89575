"Job files: what is written is read again, paths move with the folder, and every mistake has a line."
from pathlib import Path

import pytest

from swapkit.apps.samples import person_file
from swapkit.errors import BadInput
from swapkit.job_file import check_job, JobFile, read_job, run_job, write_job
from swapkit.option_files import read_options
from swapkit.options import AnalyzeOptions, EncodeOptions, OPTIONS, options_of, RunOptions, SwapOptions
from swapkit.request import SwapRequest
from swapkit.types import Source

OTHER = dict(masks='none', frame='1:20', start=1.5, end='2:00', part='2/4', devices='0,1', pix_fmt='same',
             cluster='auto', encoder='libx265', preset='slow', small=True, batch=8, strength=.25, crf=20,
             restore='gfpgan_1.4')


def a_job(folder, **options):
    ask = SwapRequest(sources=[folder/'ann.jpg', '/else/where'], faces=[0, 'left2', folder/'who.jpg'],
                      faces_file=folder/'x/film.faces', swap=SwapOptions(**options))
    targets = str(folder/'films/*.mp4'), '@'+str(folder/'list.txt')
    return JobFile(targets=targets, out=str(folder/'new')+'/', request=ask, names='{name}-a')


def test_what_is_written_is_read_again(tmp_path):
    job = a_job(tmp_path, restore='gfpgan_1.4', strength=.5)
    got = read_job(write_job(job, tmp_path/'job.toml'))
    assert (got.targets, got.out, got.names, got.many) == (job.targets, job.out, job.names, True)
    assert got.request.swap == job.request.swap and got.request.faces == [0, 'left2', str(tmp_path/'who.jpg')]
    assert [Path(s) for s in got.request.sources] == [tmp_path/'ann.jpg', Path('/else/where')]
    text = (tmp_path/'job.toml').read_text()
    assert str(tmp_path) not in text and '/else/where' in text # what lies below the folder moves with it
    (tmp_path/'sub').mkdir(); (tmp_path/'job.toml').rename(tmp_path/'sub/job.toml')
    assert read_job(tmp_path/'sub/job.toml').targets[0] == str(tmp_path/'sub/films/*.mp4')


def test_people_are_written(tmp_path):
    ask = SwapRequest(assign={0: ['a.jpg'], 'right': [tmp_path/'b'], tmp_path/'who.jpg': 'c.source'})
    got = read_job(write_job(JobFile(targets=('f.mp4',), out='o.mp4', request=ask), tmp_path/'job.toml'))
    assert list(got.request.assign) == [0, 'right', str(tmp_path/'who.jpg')] and got.request.faces == 'largest'
    assert got.request.assign['right'] == [str(tmp_path/'b')] and got.targets == (str(Path('f.mp4').absolute()),)


@pytest.mark.parametrize('name', [n for cls in OPTIONS for n in options_of(cls)])
def test_every_option_can_be_written(name, tmp_path):
    cls = next(c for c in OPTIONS if name in options_of(c))
    o = options_of(cls)[name]
    other = next((v for v in (OTHER.get(name), *o.names(), o.low, o.high, True, 'name')
                  if v is not None and v != o.default and not (o.kind and v not in o.names())), None)
    arg = {SwapOptions: 'swap', AnalyzeOptions: 'analyze', EncodeOptions: 'encode', RunOptions: 'run'}[cls]
    ask = SwapRequest(sources=['a.jpg'], **{arg: cls(**{name: other})})
    path = write_job(JobFile(targets=('f.mp4',), out='o.mp4', request=ask), tmp_path/'job.toml')
    assert getattr(read_job(path).request, arg) == getattr(ask, arg) != cls()
    assert read_options(path) == {name: getattr(getattr(ask, arg), name)}


@pytest.mark.parametrize('text, line', [
    ('out = "x"', 'targets is missing'), ('targets = "f.mp4"', 'out is missing'), ('targets = ', 'not valid TOML'),
    ('targets = 3\nout = "x"', 'targets is a text or a list of texts'),
    ('target = "f.mp4"\nout = "x"', "unknown key 'target'; did you mean 'targets'?"),
    ('targets = "f"\nout = "x"\n[options]\nrestor = "none"', "unknown option 'restor'; did you mean 'restore'?"),
    ('targets = "f"\nout = "x"\n[options]\nstrength = 3', 'strength 3 is not a number from 0 to 1'),
    ('targets = "f"\nout = "x"\n[options]\nstrength = ".5"',
     "strength '.5' is not a number from 0 to 1; numbers, true and false are written without quotes"),
    ('targets = "f"\nout = "x"\ncrf = 3', "unknown key 'crf'; it belongs below the line [options]"),
    ('targets = "f"\n[options]\nout = "x"', 'out is missing; it belongs above the line [options]'),
    ('targets = "f"\nout = "x"\n[options]\nsmall = "yes"', "small 'yes' is not true or false"),
    ('targets = "f"\nout = "x"\nassign = "a"', 'assign is a table'),
    ('targets = "f"\nout = "x"\noptions = 1', 'options is a table'),
    ('targets = "f"\nout = "x"\nplugins = "no.py"', 'no.py: no such file'),
])
def test_mistakes(text, line, tmp_path):
    (tmp_path/'job.toml').write_text(text)
    with pytest.raises(BadInput) as e: read_job(tmp_path/'job.toml')
    assert line in str(e.value) and '\n' not in str(e.value)


def test_what_cannot_be_written(tmp_path):
    job = JobFile(targets=('f.mp4',), out='o.mp4', request=SwapRequest(sources=['a.jpg']))
    with pytest.raises(BadInput, match='ends in .toml'): write_job(job, tmp_path/'job.json')
    write_job(job, tmp_path/'job.toml')
    with pytest.raises(BadInput, match='exists'): write_job(job, tmp_path/'job.toml')
    write_job(job, tmp_path/'job.toml', overwrite=True)
    held = JobFile(targets=('f.mp4',), out='o.mp4', request=SwapRequest(sources=Source.__new__(Source)))
    with pytest.raises(BadInput, match='source in memory'): write_job(held, tmp_path/'b.toml')
    with pytest.raises(BadInput, match='no such file'): read_job(tmp_path/'none.toml')


def test_options_of_a_file(tmp_path):
    (tmp_path/'o.toml').write_text('restore = "gfpgan_1.4"\ncrf = 20\nstart = "1:00"\n')
    assert read_options(tmp_path/'o.toml') == dict(restore='gfpgan_1.4', crf=20, start=60.)
    (tmp_path/'o.toml').write_text('crff = 20\n')
    with pytest.raises(BadInput, match="o.toml: unknown option 'crff'; did you mean 'crf'"):
        read_options(tmp_path/'o.toml')


def test_a_job_is_checked_and_run(tmp_path):
    ask = SwapRequest(sources=[person_file('cai')])
    job = JobFile(targets=(str(person_file('ben')),), out=str(tmp_path/'new.png'), request=ask)
    assert check_job(job) == 1 and not job.many
    seen = []
    result, = run_job(job, tell=seen.append)
    assert (result.state, seen) == ('done', [result]) and (tmp_path/'new.png').exists()
    assert [r.reason for r in run_job(job)] == ['done before']
    bad = JobFile(targets=(str(tmp_path/'none.mp4'),), out=str(tmp_path/'n.mp4'), request=ask)
    assert [(r.state, r.code) for r in run_job(bad)] == [('failed', 2)]
    with pytest.raises(BadInput, match='no such file'): check_job(bad)
    many = JobFile(targets=(str(person_file('ben').parent/'b*.jpg'),), out=str(tmp_path/'all'), request=ask)
    assert many.many and check_job(many) == 1
