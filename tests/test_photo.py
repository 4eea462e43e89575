"Photos as phones store them, and names that are no text, through the whole job."
import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from swapkit.errors import BadInput
from swapkit.face.store import load_faces, save_faces
from swapkit.types import no_faces
from swapkit.runtime import utf8_path
from swapkit.sources import read_source, save_source
from swapkit.video.files import file_kind, printable_name
from swapkit.video.photo import open_photo
from swapkit.workdir import WorkDir
from swapkit.apps.samples import person_file, person_source
from swapkit.video.containers import ffmpeg_exe

SIDE = 128 # of a tile


def hevc(tile):
    "The units of one picture, encoded by x265."
    command = [
        ffmpeg_exe('libx265'), '-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', f'{SIDE}x{SIDE}', '-i', '-',
        '-frames:v', '1', '-c:v', 'libx265', '-x265-params', 'log-level=none:crf=12', '-pix_fmt', 'yuv420p', '-f',
        'hevc', '-',
    ]
    data = subprocess.run(command, input=tile.tobytes(), capture_output=True, check=True).stdout
    return [n for n in data.replace(b'\0\0\0\1', b'\0\0\1').split(b'\0\0\1') if n]


def kind(unit): return unit[0]>>1 & 63
def box(name, body): return struct.pack('>I', 8+len(body)) + name + body
def full(name, body, version=0, flags=0): return box(name, struct.pack('>I', version<<24 | flags) + body)


def tiled_heic(im, cut):
    "A HEIC of 2 × 2 tiles whose lower right part is cut off, as phones write larger ones (ISO/IEC 23008-12, 6.6.2.3)."
    tiles = [hevc(im.crop((x, y, x+SIDE, y+SIDE))) for y in (0, SIDE) for x in (0, SIDE)]
    heads = [next(n for n in tiles[0] if kind(n)==k) for k in (32, 33, 34)]
    config = (
        b'\1'
        + heads[1].replace(b'\0\0\3', b'\0\0')[3:15]
        + struct.pack('>HBBBBHBB', 0xF000, 0xFC, 0xFD, 0xF8, 0xF8, 0, 0x0F, 3)
    )
    config += b''.join(bytes([0x80|kind(n)]) + struct.pack('>HH', 1, len(n)) + n for n in heads)
    parts = [b''.join(struct.pack('>I', len(n)) + n for n in t if kind(n) < 32) for t in tiles] + [
        struct.pack('>BBBBHH', 0, 0, 1, 1, cut, cut)
    ]
    names = b''.join(
        full(b'infe', struct.pack('>HH4sx', i + 1, 0, b'grid' if i == 4 else b'hvc1'), 2, int(i < 4)) for i in range(5)
    )
    sizes = b''.join(full(b'ispe', struct.pack('>II', n, n)) for n in (SIDE, cut))
    owns = b''.join(struct.pack('>HBBB', i, 2, 0x81, 2) for i in range(1, 5)) + struct.pack('>HBB', 5, 1, 3)
    whole = full(b'iinf', struct.pack('>H', 5) + names) + box(
        b'iprp', box(b'ipco', box(b'hvcC', config) + sizes) + full(b'ipma', struct.pack('>I', 5) + owns)
    )
    whole += full(b'iref', box(b'dimg', struct.pack('>6H', 5, 4, 1, 2, 3, 4)))
    def head(at):
        where = b''
        for i,p in enumerate(parts, 1): where += struct.pack('>HHHII', i, 0, 1, at, len(p)); at += len(p)
        first = (
            full(b'hdlr', struct.pack('>I4s13x', 0, b'pict'))
            + full(b'pitm', struct.pack('>H', 5))
            + full(b'iloc', b'\x44\0' + struct.pack('>H', 5) + where)
        )
        return box(b'ftyp', b'heic\0\0\0\0mif1heic') + full(b'meta', first + whole)
    return head(len(head(0))+8) + box(b'mdat', b''.join(parts))


def test_heic_of_tiles_is_one_picture(tmp_path, recwarn):
    im = Image.open(person_file('ada')).convert('RGB').resize((2*SIDE, 2*SIDE))
    path = tmp_path/'phone'
    path.write_bytes(tiled_heic(im, 200))
    photo = open_photo(path)
    assert file_kind(path)=='photo' and photo.stored.shape==(200, 200, 3) and not list(recwarn)
    assert np.abs(photo.stored.astype(int)-np.asarray(im)[:200,:200]).mean()<3
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(BadInput, match='is not a photo that can be read'): open_photo(path)


NAMES = dict(
    latin=b'f\xfcr', emoji='😀 影'.encode(), dash=b'-x', percent=b'50% %d %s', colon=b'a:b', line=b'a\nb',
    long=b'n' * 240,
)


def files_of(folder):
    "Faces and a source under a folder and names that are no text."
    (folder := folder/os.fsdecode(b'\xff\xfe')).mkdir()
    ada = person_source('ada')
    for name in NAMES.values():
        faces, source = folder/os.fsdecode(name+b'.faces'), folder/os.fsdecode(name+b'.source')
        save_faces(no_faces(), faces, target='a', name=printable_name(faces))
        save_source(ada, source)
        photo = folder/os.fsdecode(name+b'.jpg')
        photo.write_bytes(person_file('ada').read_bytes())
        assert (
            load_faces(faces)[1]['target'] == 'a'
            and len(read_source(source)) == 1
            and open_photo(photo).stored.shape == (640, 640, 3)
        )
        with WorkDir(folder/os.fsdecode(name+b'x'*8+b'.mp4')) as d: (d.folder/'part').write_bytes(b'1')
        json.dumps(printable_name(photo)).encode().decode()
    return len(NAMES)


@pytest.mark.skipif(sys.platform!='linux', reason='other systems only take names that are text')
def test_names_of_any_bytes(tmp_path): assert files_of(tmp_path)==7


@pytest.mark.skipif(sys.platform!='linux', reason='other systems only take names that are text')
def test_names_where_the_locale_is_ascii(tmp_path):
    code = f'''
import sys
from pathlib import Path
sys.path[:0] = [{os.path.dirname(__file__)!r}]
from test_photo import files_of
print(files_of(Path({str(tmp_path)!r})))
'''
    env = {k: v for k, v in os.environ.items() if not k.startswith(('LC_', 'LANG'))} | dict(
        LC_ALL='C', PYTHONUTF8='0', PYTHONCOERCECLOCALE='0'
    )
    done = subprocess.run([sys.executable, '-c', code], env=env, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip()=='7', done.stderr[-2000:]


def test_text_is_passed_as_it_is(tmp_path):
    with utf8_path(tmp_path/'ümläut') as name: assert name==str(tmp_path/'ümläut')
