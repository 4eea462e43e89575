"The files of `examples`: the commands in them are run as a cluster would run them, and give the film of one run."
import configparser
import json
import os
import re
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

import dev
from swapkit.apps.cli import run
from swapkit.apps.demo import write_demo_target
from swapkit.apps.samples import person_file
from swapkit.errors import BadInput
from swapkit.job_file import check_job, read_job
from swapkit.option_files import JOB_KEYS
from swapkit.types import test_near as near
from swapkit.video.probe import video_info
from swapkit.video.read import read_frame

EXAMPLES = dev.ROOT/'examples'
posix = pytest.mark.skipif(os.name != 'posix', reason='shell scripts')
slow = pytest.mark.skipif('slow' not in os.environ.get('SWAPKIT_TEST_FLAGS', '').split(),
                          reason='slow: SWAPKIT_TEST_FLAGS does not name it')


@pytest.fixture(scope='module')
def films(tmp_path_factory):
    "A folder with everything that the example jobs name."
    folder = tmp_path_factory.mktemp('films')
    write_demo_target(folder/'film.mp4', ('ben',), frames=6, size=(240, 240))
    for name,who in (('ann.jpg', 'cai'), ('portrait.jpg', 'ben')):
        (folder/name).write_bytes(person_file(who).read_bytes())
    for name in ('films/a.mp4', 'more/b/c.mp4'):
        (folder/name).parent.mkdir(parents=True)
        (folder/name).write_bytes((folder/'film.mp4').read_bytes())
    for name in ('job.toml', 'night.toml'): (folder/name).write_bytes((EXAMPLES/name).read_bytes())
    return folder


def stub(folder, name, text):
    "A program on the path of a script."
    folder.mkdir(exist_ok=True)
    path = folder/name
    path.write_text(f'#!/bin/bash\n{text}\n')
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def commands(words, tmp_path, **env):
    "What `swapkit` is called with by a command, in a shell where it is only written down."
    stub(tmp_path/'bin', 'swapkit', f'printf "%s\\n" "$(printf " %q" "$@")" >> {tmp_path}/log')
    path = f"{tmp_path/'bin'}:{os.environ['PATH']}"
    subprocess.run(words, check=True, env={**os.environ, **env, 'PATH': path}, stdout=subprocess.DEVNULL)
    lines = [shlex.split(l) for l in (tmp_path/'log').read_text().splitlines()]
    (tmp_path/'log').unlink()
    return lines


def wanted(job, parts, first=True):
    return [['analyze', job, '--no-sheet', '--overwrite']]*first + [
        ['render', job, '--segments', f'{i}/{parts}'] for i in range(1, parts+1)] + [['join', job]]


def test_every_example_is_listed_and_tested():
    found = {p.relative_to(EXAMPLES).as_posix() for p in EXAMPLES.rglob('*') if p.is_file()} - {'README.md'}
    listed = set(re.findall(r'\]\(([^)]+)\)', (EXAMPLES/'README.md').read_text()))
    assert found == {f for f in listed if '..' not in f}
    text = Path(__file__).read_text()
    for f in found: assert Path(f).name in text, f"no test names {f}"


def test_the_job_files_are_right(films):
    one, many = read_job(films/'job.toml'), read_job(films/'night.toml')
    with pytest.raises(BadInput, match='film.faces: no such file'): check_job(one) # it is made by `swapkit analyze`
    (films/'film.faces').touch()
    assert check_job(one) == 1 and many.many and check_job(many) == 3
    (films/'film.faces').unlink()
    text = (EXAMPLES/'job.toml').read_text()+(EXAMPLES/'night.toml').read_text()
    for key in JOB_KEYS: assert re.search(rf'^(# )?\[?{key}\b', text, re.M) or key == 'plugins' or key == 'faces', key


@posix
def test_slurm_makes_the_film_of_one_run(films, tmp_path):
    "`sbatch` runs at once what it is given, each task of an array in turn."
    stub(tmp_path/'bin', 'sbatch', '''n=1; a=1; id=$$
for w in "$@"; do case $w in --array=*) n=${w#--array=1-} ;; esac; done
while [ "${1#--}" != "$1" ]; do shift; done
for i in $(seq 1 $n); do SLURM_ARRAY_TASK_ID=$i bash "$@" >&2; done
echo $id''')
    lines = commands(['bash', EXAMPLES/'cluster/slurm.sh', films/'job.toml', '2'], tmp_path)
    assert lines == wanted(str(films/'job.toml'), 2)
    for line in lines: assert run(line) == 0, line
    made = ['-o', str(tmp_path/'alone.mp4'), '--faces-file', str(films/'film.faces')]
    made += ['--preset', 'veryfast', '-q', '18']
    assert run(['swap', str(films/'film.mp4'), '-s', str(films/'ann.jpg'), *made]) == 0
    joined, alone = (read_frame(video_info(f), 4).data for f in (films/'new.mp4', tmp_path/'alone.mp4'))
    near(joined, alone, 0)


@posix
def test_kubernetes_and_aws_render_every_part(tmp_path):
    yaml = pytest.importorskip('yaml')
    render, join = yaml.safe_load_all((EXAMPLES/'cluster/kubernetes.yaml').read_text())
    box = lambda job: job['spec']['template']['spec']['containers'][0]
    n = render['spec']['completions']
    lines = [commands(box(render)['command'], tmp_path, JOB_COMPLETION_INDEX=str(i))[0] for i in range(n)]
    assert lines+[box(join)['command'][1:]] == wanted('/films/job.toml', n, first=False)
    assert render['spec']['completionMode'] == 'Indexed'
    for job in (render, join):
        assert box(job)['volumeMounts'][0]['name'] == job['spec']['template']['spec']['volumes'][0]['name']
    aws = json.loads((EXAMPLES/'cluster/aws_batch.json').read_text())
    n, command = aws['render']['arrayProperties']['size'], aws['render']['containerOverrides']['command']
    lines = [commands(command, tmp_path, AWS_BATCH_JOB_ARRAY_INDEX=str(i))[0] for i in range(n)]
    assert lines+[aws['join']['containerOverrides']['command'][1:]] == wanted('/films/job.toml', n, first=False)


def test_openjd_renders_every_part():
    yaml = pytest.importorskip('yaml')
    told = yaml.safe_load((EXAMPLES/'cluster/openjd.yaml').read_text())
    values = {'Param.Job': '/films/job.toml', 'Param.Parts': '3'}
    fill = lambda text, more: re.sub(r'\{\{(.*?)\}\}', lambda m: (values | more)[m[1]], text)
    lines = []
    for step in told['steps']:
        action = step['script']['actions']['onRun']
        assert action['command'] == 'swapkit'
        space = step.get('parameterSpace', {}).get('taskParameterDefinitions', [])
        last = int(fill(space[0]['range'], {}).partition('-')[2]) if space else 1
        lines += [[fill(a, {'Task.Param.Part': str(i)}) for a in action['args']] for i in range(1, last+1)]
    assert lines == wanted('/films/job.toml', 3)
    assert [s.get('dependencies', [{}])[0].get('dependsOn') for s in told['steps']] == [None, 'Analyze', 'Render']


@posix
def test_a_worker_begins_again_when_it_was_killed(tmp_path):
    log = tmp_path/'log'
    stub(tmp_path/'bin', 'swapkit', f'echo "$@" >> {log}; [ $(wc -l < {log}) -ge 3 ] && exit 3; kill -9 $$')
    stub(tmp_path/'bin', 'sleep', 'exit 0')
    env = {**os.environ, 'PATH': f"{tmp_path/'bin'}:{os.environ['PATH']}"}
    script = ['bash', str(EXAMPLES/'cluster/queue_worker.sh'), '/films/queue', '--device', 'cuda']
    done = subprocess.run(script, env=env, capture_output=True, text=True)
    assert done.returncode == 3 and done.stderr.count('begins again') == 2
    assert (tmp_path/'log').read_text().splitlines() == ['queue run /films/queue --device cuda']*3


def docker_steps():
    "(stage, instruction, arguments) of the Dockerfile."
    text = re.sub(r'\\\n', ' ', (EXAMPLES/'docker/Dockerfile').read_text())
    stage = ''
    for line in text.splitlines():
        if not line.strip() or line[0] == '#': continue
        word, _, rest = line.partition(' ')
        if word == 'FROM': stage = rest.split()[-1]
        yield stage, word, rest


def test_the_dockerfile_names_what_is_there():
    steps = list(docker_steps())
    assert {w for _,w,_ in steps} <= {'FROM', 'RUN', 'COPY', 'ENV', 'VOLUME', 'WORKDIR', 'CMD'}
    assert {s for s,_,_ in steps} == {'source', 'cpu', 'cuda'}
    config = configparser.ConfigParser(interpolation=None)
    config.read(dev.ROOT/'settings.ini')
    for _,word,rest in steps:
        if word == 'COPY':
            for name in rest.split()[:-1]: assert (dev.ROOT/name).exists(), name
        if word == 'CMD': assert f'{json.loads(rest)[0]}=' in config['DEFAULT']['console_scripts']
        for extra in re.findall(r'\.\[(\w+)\]', rest): assert f'extra_{extra}' in config['DEFAULT']
    copied = {n for _,w,r in steps if w == 'COPY' for n in r.split()[:-1]}
    assert {'constraints.txt', 'settings.ini', 'setup.py', 'pyproject.toml', 'swapkit', 'README.md'} <= copied


@slow
def test_the_dockerfile_installs(tmp_path):
    "Its steps for a CPU, but for the system's packages, in a fresh environment."
    import shutil
    import sys
    for _,word,rest in docker_steps():
        if word != 'COPY': continue
        *names, _ = rest.split()
        for name in names:
            source = dev.ROOT/name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path/name)
    subprocess.run([sys.executable, '-m', 'venv', tmp_path/'venv'], check=True)
    path = f"{tmp_path/'venv'/'bin'}:{os.environ['PATH']}"
    env = {k: v for k,v in os.environ.items() if k not in ('PYTHONPATH', 'VIRTUAL_ENV')} | {'PATH': path}
    pip, = [r for s,w,r in docker_steps() if s == 'cpu' and w == 'RUN']
    pip = re.sub(r'--extra-index-url \S+ ', '', pip)
    subprocess.run(['bash', '-c', pip], cwd=tmp_path, env=env, check=True)
    done = subprocess.run(['swapkit', '--version'], cwd=tmp_path/'venv', env=env, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith('swapkit '), done.stderr
