"""A real 19-class parser through the entry of BiSeNet's ONNX files: wiring only.

The network was trained on data for research and has no license, so it is neither in `MODELS` nor in `PARSERS`, and it
says nothing about quality. It proves that classes, normalization, sizes and batches are passed on rightly."""
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from swapkit.apps.samples import load_person
from swapkit.face.align import align
from swapkit.mask.compose import Masks
from swapkit.mask.parsing import class_probability, FACE_CLASSES, load_bisenet_onnx, Parser, ParseSpec, PARTS
from swapkit.mask.polygons import region_masks
from swapkit.models import MODELS, ModelSpec
from swapkit.registry import PARSERS
from swapkit.runtime import file_hash
from swapkit.types import cat, test_batch_equal as check_batch_equal
from swapkit.weights import find_file

FILE = 'unet19_face_parsing_512.onnx'
SHA = '0e2e7dc6c711afec48c6bc0ad2022e8eeba01b0c2ada6cf60fd3589e26741279'
SPEC = ModelSpec('unet19_wiring', FILE, sha256=SHA, license='none; for research', commercial='no')

pytestmark = pytest.mark.skipif(not find_file(SPEC), reason=f'{FILE} is not here')


@pytest.fixture
def parsed(monkeypatch):
    "Crops of five sample people, the parser, and its probabilities."
    monkeypatch.setitem(MODELS, SPEC.name, SPEC)
    parser = Parser(ParseSpec(load=partial(load_bisenet_onnx, SPEC.name)), 'cpu')
    number, people = torch.arange(5), [align(*load_person(n), size=256) for n in ('ada','ben','cai','eve','gus')]
    crops = cat([replace(c, frame=number[k:k+1], face=number[k:k+1]) for k,c in enumerate(people)])
    return crops, parser, parser(crops)


def test_it_is_not_offered():
    assert not any('unet19' in n for n in (*MODELS, *PARSERS))
    assert file_hash(Path(find_file(SPEC)))==SHA


def test_classes_lie_where_the_mesh_says(parsed):
    crops, _, prob = parsed
    assert prob.shape==(5,10,128,128) and (prob.sum(1)-1).abs().max()<1e-4
    pool = torch.nn.functional.adaptive_avg_pool2d
    oval, eyes, lips = (pool(m, 128) for m in region_masks(crops, 'oval','eyes','lips'))
    number = lambda *names: tuple(PARTS.index(n) for n in names)
    share = lambda names, where: float((class_probability(prob, number(*names))*where).sum()/where.sum())
    assert share(('eyes',), eyes)>.4
    assert share(('lips','mouth'), lips)>.6
    assert share(('skin',), lips)<.3 and share(('skin',), eyes)<.4
    face = class_probability(prob, FACE_CLASSES)
    both = (face*oval).sum((1,2,3))/torch.maximum(face, oval).sum((1,2,3))
    assert both.mean()>.6, both
    corner = torch.zeros_like(oval)
    corner[...,:12,:6] = corner[...,:12,-6:] = 1
    assert share(('other','hair'), corner)>.8


def test_wrong_colors_would_be_seen(parsed):
    "The test above can fail: with blue and red exchanged the lips are found less surely."
    crops, parser, prob = parsed
    lips = torch.nn.functional.adaptive_avg_pool2d(region_masks(crops, 'lips')[0], 128)
    lip = lambda p: float((class_probability(p, (PARTS.index('lips'), PARTS.index('mouth')))*lips).sum()/lips.sum())
    assert lip(parser(replace(crops, data=crops.data.flip(1))))<lip(prob)-.05


def test_batch_and_no_faces(parsed):
    crops, parser, _ = parsed
    check_batch_equal(parser, crops, (1,2))
    assert parser(crops[:0]).shape==(0,10,128,128)


def test_masks_take_it(parsed):
    crops, parser, _ = parsed
    swap, mouth = Masks(parser)(crops)
    plain, _ = Masks()(crops)
    assert swap.shape==(5,1,256,256) and (swap<=plain+1e-5).all()
    assert .4<float(swap.sum()/plain.sum())<1
    assert mouth[3].max()>.9 and mouth[2].max()<.5 # eve shows her teeth, cai's mouth is closed
