"A fresh machine: no network, no weights but the package's own, an empty home."
import os
import shutil
import subprocess
import sys

import pytest

import dev

CLI = 'from swapkit.tools.cli import main; main()'
WEIGHTS = ('yunet_n_dynamic.onnx', 'face_mesh_468_192.onnx')


def cut_off():
    "What to put in front of a command so that it has no network, where this user may do that."
    alone = ['unshare', '-rn']
    if not shutil.which('unshare'): return []
    return alone if subprocess.run([*alone, 'true'], capture_output=True).returncode==0 else []


@pytest.fixture
def fresh(tmp_path):
    "Run the command line there."
    if any((dev.ROOT/'models'/w).exists() for w in WEIGHTS): pytest.skip("the checkout has weights")
    home = tmp_path/'home'
    home.mkdir()
    gone = ('SWAPKIT_', 'XDG_')
    env = {k: v for k,v in os.environ.items() if not k.startswith(gone)} | dict(HOME=str(home), http_proxy='http://127.0.0.1:9', https_proxy='http://127.0.0.1:9')
    def run(*args): return subprocess.run([*cut_off(), sys.executable, '-c', CLI, *map(str, args)], env=env, cwd=tmp_path, capture_output=True, text=True)
    return run


def test_swap_with_the_built_in_networks(fresh, tmp_path):
    "A photo is swapped, and one line says what would be better."
    people = dev.ROOT/'swapkit'/'samples'
    done = fresh('swap', people/'ada.jpg', '--source', people/'ben.jpg', '--out', 'new.png')
    assert done.returncode==0, done.stderr
    assert (tmp_path/'new.png').exists()
    said = [l for l in done.stderr.splitlines() if 'frames' not in l]
    assert len(said)==1 and 'swapkit models pull yunet_n face_mesh_468' in said[0], done.stderr


def test_doctor_is_content(fresh):
    "The built-in networks are enough."
    done = fresh('doctor')
    assert done.returncode==0, done.stdout
    assert 'tiny_detect' in done.stdout and 'swapkit models pull yunet_n' in done.stdout


def test_naming_a_network_that_is_not_here(fresh, tmp_path):
    "What was asked for by name is never replaced."
    people = dev.ROOT/'swapkit'/'samples'
    done = fresh('swap', people/'ada.jpg', '--source', people/'ben.jpg', '--out', 'new.png', '--landmarks', 'face_mesh_468')
    assert done.returncode==4 and 'face_mesh_468' in done.stderr and not (tmp_path/'new.png').exists()
