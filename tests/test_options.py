"Options, each written once: checks, the command line's flags, the studio's widgets, tables, keys."
import functools
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from swapkit import options as o
from swapkit import registry
from swapkit.apps.flags import Flag, click_options, flag, options_from, plugin_option, switches
from swapkit.errors import BadInput, check_choice
from swapkit.option_tables import option_types, options_table, widgets_of
from swapkit.options import (
    OPTIONS, AnalyzeOptions, EncodeOptions, RunOptions, Seconds, SwapOptions, changed, key, options_of,
    parse_frame, parse_time, split_flat, to_argv,
)

ROOT = Path(__file__).resolve().parent.parent
HELP = dict(help_option_names=['-h', '--help'], max_content_width=120)


def refused(make, *says):
    with pytest.raises(BadInput) as e: make()
    line = str(e.value)
    assert '\n' not in line and len(line)<600
    for s in says: assert s in line, line
    return line


def command(*classes):
    "A command that says what it was given."
    def f(**kw):
        click.echo('got ' + ' '.join(to_argv(*(options_from(c, kw) for c in classes))))
        assert not kw
    for c in reversed(classes): f = click_options(c)(f)
    return click.command(context_settings=HELP)(f)


def run(cmd, *args):
    done = CliRunner().invoke(cmd, args)
    return done.exit_code, ' '.join(done.output.split()) or str(done.exception)


# --- one place ---

@dataclass(frozen=True, kw_only=True)
class Glowing(SwapOptions):
    "A class with one option more."
    glow: float = o.option(.25, "How much the face glows.", low=0, high=2, widget='slider', short='-g',
                           old=('--shine',))


def test_one_field_is_enough():
    "A new field is a flag, a widget, a line of the table, an argument, a part of the key."
    code, said = run(command(Glowing), '-h')
    assert code==0 and "-g, --glow 0..2 How much the face glows. [default: 0.25]" in said and 'shine' not in said
    assert run(command(Glowing), '--glow', '.5')==run(command(Glowing), '--shine', '.5')==(0, 'got --glow 0.5')
    code, said = run(command(Glowing), '--glow', '3')
    assert code==2 and "'--glow' / '-g': 3.0 is not a number from 0 to 2" in said and 'shine' not in said
    w, = (w for w in widgets_of(Glowing) if w.name=='glow')
    assert (w.kind, w.low, w.high, w.default, w.help)==('slider', 0, 2, .25, "How much the face glows.")
    assert '| `glow` | `0.25` | a number from 0 to 2 | How much the face glows. |' in options_table(Glowing)
    got = split_flat(dict(glow=1, crf=20), swap=Glowing())
    assert got[0]==Glowing(glow=1.) and key(got[0])['glow']==1. and to_argv(got[0])==['--glow', '1']
    refused(lambda: Glowing(glow=3), 'glow', '3', 'from 0 to 2')


def test_every_option_has_help_and_one_name():
    every = [(n, p) for c in OPTIONS for n,p in options_of(c).items()]
    flags = [f for _,p in every for f in (p.flag, p.short, *p.old) if f]
    assert len(dict(every))==len(every) and len(set(flags))==len(flags)
    for n,p in every:
        assert p.help.endswith('.') and p.convert(p.default)==p.default, n
        assert p.widget in ('', 'dropdown', 'slider', 'number', 'checkbox')
        if p.widget=='dropdown': assert p.default in (p.offer or p.names())
        if not p.is_flag and p.default is not None: assert p.read(p.write(p.default))==p.default


def test_option_types_are_written():
    written = (ROOT/'swapkit'/'option_types.py').read_text(encoding='utf-8')
    assert written==option_types(), "run python -m swapkit.option_tables"


def test_loads_without_torch():
    code = '''import sys, time
t = time.perf_counter()
import swapkit.options, swapkit.option_tables, swapkit.registry, swapkit.errors, swapkit.option_types
print(round(time.perf_counter()-t, 3))
from swapkit.options import *
from swapkit.option_tables import *
SwapOptions(swapper='inswapper_128', restore='codeformer')
widgets_of(SwapOptions), options_table(AnalyzeOptions)
heavy = {'torch', 'numpy', 'cv2', 'click', 'onnxruntime'} & set(sys.modules)
assert not heavy, heavy'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode==0, done.stderr
    assert float(done.stdout)<1.


# --- values ---

def test_defaults_are_frozen():
    s = SwapOptions()
    assert changed(s)=={} and s==SwapOptions() and hash(s)==hash(SwapOptions())
    with pytest.raises(FrozenInstanceError): s.crop = 256
    with pytest.raises(TypeError): SwapOptions('mesh')


@pytest.mark.parametrize('cls, values, says', [
    (SwapOptions, dict(strength='1'), "strength '1' is not a number from 0 to 1"),
    (SwapOptions, dict(strength=True), 'strength True'),
    (SwapOptions, dict(strength=float('nan')), 'strength nan is not a number from 0 to 1'),
    (SwapOptions, dict(strength=-.1), 'strength -0.1'),
    (SwapOptions, dict(strength=np.float32(2)), 'strength 2.0'),
    (SwapOptions, dict(strength=1j), 'strength 1j'),
    (SwapOptions, dict(strength=None), 'strength None'),
    (SwapOptions, dict(restore_strength=[1]), 'restore_strength [1]'),
    (SwapOptions, dict(crop=100), 'crop 100 is not a whole number from 64 to 2048, a multiple of 8'),
    (SwapOptions, dict(crop=32), 'crop 32'),
    (SwapOptions, dict(crop=512.), 'crop 512.0'),
    (SwapOptions, dict(swapper='mesk'), "unknown swapper 'mesk': choose mesh, simswap_224"),
    (SwapOptions, dict(swapper='mesk'), "(did you mean 'mesh'?)"),
    (SwapOptions, dict(swapper=3), 'unknown swapper 3: choose mesh'),
    (SwapOptions, dict(swapper=['mesh']), "unknown swapper ['mesh']"),
    (SwapOptions, dict(restore='gfpgan'), 'choose none, gfpgan_1.4'),
    (SwapOptions, dict(mouth='a\nb'*99), 'unknown mouth'),
    (AnalyzeOptions, dict(smallest=-1), 'smallest -1 is not a number from 0 to 100000'),
    (AnalyzeOptions, dict(smallest=float('inf')), 'smallest inf'),
    (AnalyzeOptions, dict(small=1), 'small 1 is not True or False'),
    (AnalyzeOptions, dict(smooth='kalmann'), "did you mean 'kalman'"),
    (EncodeOptions, dict(crf=100), 'crf 100 is not a whole number from 0 to 63'),
    (EncodeOptions, dict(crf=60), 'crf 60 is not a whole number from 0 to 51, the range of libx264'),
    (EncodeOptions, dict(crf=-1), 'crf -1'),
    (EncodeOptions, dict(crf=10**400), 'crf 1000'),
    (EncodeOptions, dict(preset='mediun'), "did you mean 'medium'"),
    (EncodeOptions, dict(encoder='lib x'), "encoder 'lib x' is not a name"),
    (EncodeOptions, dict(encoder=''), "encoder ''"),
    (RunOptions, dict(batch=0), 'batch 0 is not a whole number from 1 to 4096'),
    (RunOptions, dict(batch='16'), "batch '16'"),
    (RunOptions, dict(batch=True), 'batch True'),
    (RunOptions, dict(device='gpu'), "unknown device 'gpu': choose auto, cpu, cuda"),
    (RunOptions, dict(engine='abacus'), 'tensorrt'),
    (RunOptions, dict(start=-1), 'start -1 is not a time of 0 or later'),
    (RunOptions, dict(start=float('nan')), 'start nan'),
    (RunOptions, dict(end='1:61'), "end '1:61' is not a time: write seconds like 80.5"),
    (RunOptions, dict(start=5, end=5), 'end 5 s is not after start 5 s'),
    (RunOptions, dict(frame=2.5), 'frame 2.5 is not a frame'),
    (RunOptions, dict(frame=-1), 'frame -1'),
    (RunOptions, dict(frame=1, start=2), 'leave out start, end and part'),
    (RunOptions, dict(part='0/4'), "part '0/4' is not a part: write 1/4 for the first of four"),
    (RunOptions, dict(part='5/4'), 'is not a part'), (RunOptions, dict(part='x'), 'is not a part'),
    (RunOptions, dict(part='1/4', frame=3), 'leave out start, end and part')])
def test_what_is_wrong(cls, values, says): refused(lambda: cls(**values), says)


def test_what_is_taken():
    s = SwapOptions(strength=1, fidelity=np.float32(.25), crop=np.int64(256), swapper=np.str_('mesh'))
    assert [type(v) for v in (s.strength, s.fidelity, s.crop, s.swapper)]==[float, float, int, str]
    assert EncodeOptions(encoder='libsvtav1', crf=60, preset='8', pix_fmt='same').crf==60
    r = RunOptions(start='0:10', end='1:20.5', batch=np.array(3))
    assert (r.start, r.end, r.batch)==(10., 80.5, 3)
    assert RunOptions(frame='12').frame==12 and RunOptions(frame='1:20').frame==Seconds(80)


@pytest.mark.parametrize('text, seconds', [
    (80.5, 80.5), (80, 80.), ('80.5', 80.5), ('80.5s', 80.5), ('1:20.5', 80.5), ('0:01:20', 80.), (' 80 s ', 80.),
    ('.5', .5), ('100:00', 6000.), ('1:00:00', 3600.), ('0', 0.), (np.float64(2), 2.)])
def test_times(text, seconds): assert parse_time(text)==seconds


@pytest.mark.parametrize('text', [
    '', 's', ':', '1:', ':5', '1:60', '1:61:00', '1:2:3:4', '-1', '80,5', 'nan', 'inf', '1e3', '1_0', '٣', '1:-2',
    '1.5:20', '9'*400, None, True, -1, float('nan'), float('inf'), [1]])
def test_no_times(text): assert 'time' in refused(lambda: parse_time(text))


def test_frames():
    assert parse_frame('80')==80 and type(parse_frame(np.int64(80).item())) is int
    assert all(type(f) is Seconds and f==80.5 for f in map(parse_frame, ('80.5s', '1:20.5', Seconds(80.5))))
    for bad in ('80.5', 80.5, -1, True, None, 'x', '1:99', 's'):
        refused(lambda bad=bad: parse_frame(bad), 'is not a frame')


# --- flat arguments ---

def test_flat():
    flat = dict(restore='codeformer', small=True, crf=20, end='1:00')
    swap, analyze, encode, run = split_flat(flat, swap=SwapOptions(crop=1024))
    assert swap==SwapOptions(crop=1024, restore='codeformer') and analyze==AnalyzeOptions(small=True)
    assert encode==EncodeOptions(crf=20) and run==RunOptions(end=60.)
    assert split_flat({})==(SwapOptions(), AnalyzeOptions(), EncodeOptions(), RunOptions())
    assert split_flat(dict(restore='none'), swap=SwapOptions(restore='codeformer'))[0]==SwapOptions()


def test_unknown_names():
    refused(lambda: split_flat(dict(restor='x')), "unknown option 'restor'", "did you mean 'restore'")
    refused(lambda: split_flat(dict(face_file='x'), also=('faces_file',)), "did you mean 'faces_file'")
    refused(lambda: split_flat(dict(colors='match')), "'colors' was renamed to 'color'")
    refused(lambda: split_flat(dict(zzz=1)), "the options are swapper, strength")
    refused(lambda: split_flat(dict(crf=100)), 'crf 100')
    refused(lambda: split_flat({}, swap=EncodeOptions()), 'is not SwapOptions')     # type: ignore[arg-type]


def test_key_holds_what_changes_pictures():
    k = key(SwapOptions(), AnalyzeOptions(), EncodeOptions(), RunOptions())
    assert set(k)=={n for c in (SwapOptions, AnalyzeOptions, EncodeOptions) for n in options_of(c)} | {'reader'}
    assert key(SwapOptions(strength=1))==key(SwapOptions(strength=1.))!=key(SwapOptions(strength=.5))


def test_plug_ins_can_be_chosen(monkeypatch):
    monkeypatch.setattr(registry.SMOOTHERS, '_specs', dict(registry.SMOOTHERS._specs))
    monkeypatch.setattr(registry.SMOOTHERS, '_owner', dict(registry.SMOOTHERS._owner))
    refused(lambda: AnalyzeOptions(smooth='own'))
    registry.SMOOTHERS.register('own', print)
    assert AnalyzeOptions(smooth='own').smooth=='own' and '`own`' in options_table(AnalyzeOptions)
    assert run(command(AnalyzeOptions), '--smooth', 'own')==(0, 'got --smooth own')
    assert 'own' in run(command(AnalyzeOptions), '-h')[1]
    assert 'own' in next(w for w in widgets_of(AnalyzeOptions) if w.name=='smooth').choices


# --- the command line ---

def test_help_of_all_options():
    code, said = run(command(*OPTIONS), '-h')
    assert code==0
    for c in OPTIONS:
        for p in options_of(c).values():
            assert p.flag in said and ' '.join(p.help.split()) in said
            assert not any(f' {old} ' in said or f' {old},' in said for old in p.old)
    for s in ('[default: mesh]', 'simswap_256', '[auto|cpu|cuda]', '-b, --batch 1..4096', '--start TIME'):
        assert s in said


def test_command_line_round():
    "What the words of a command line say, they say again when they are read."
    words = to_argv(SwapOptions(restore='codeformer', fidelity=.75, color='none', crop=1024),
                    AnalyzeOptions(small=True, smallest=24), EncodeOptions(crf=3, lossless=True),
                    RunOptions(frame='1:20.5', batch=2, overwrite=True))
    assert run(command(*OPTIONS), *words)==(0, 'got ' + ' '.join(words))
    old = '--colors none --small-faces --preview 7 -q 3 -r codeformer -b 2 -y -d cpu'.split()
    code, said = run(command(*OPTIONS), *old)
    assert said=='got --restore codeformer --color none --small --crf 3 --batch 2 --device cpu --frame 7 --overwrite'
    assert run(command(*OPTIONS))==(0, 'got')


@pytest.mark.parametrize('words, says', [
    ('--crf 100', '100 is not a whole number from 0 to 63'), ('--crf x', "'x' is not a whole number from 0 to 63"),
    ('--batch 2.5', "'2.5' is not a whole number from 1 to 4096"),
    ('--strength nan', 'nan is not a number from 0 to 1'),
    ('--preview x', "Invalid value for '--frame': 'x' is not a frame"), ('--start 1:99', "'1:99' is not a time"),
    ('--mouth x', 'unknown mouth'), ('--crop 100', 'a multiple of 8'), ('--crf 60', 'the range of libx264')])
def test_wrong_words(words, says):
    code, said = run(command(*OPTIONS), *words.split())
    assert code and says in said


def test_only_some_options():
    @click.command()
    @click_options(RunOptions, only=('batch', 'device'))
    @click_options(EncodeOptions, without=('crf',))
    def cmd(**kw): pass
    assert {p.name for p in cmd.params}=={'batch', 'device', *options_of(EncodeOptions)}-{'crf'}
    with pytest.raises(TypeError, match='no bach'): click_options(RunOptions, only=('bach',))


def test_flags_of_no_class():
    @click.command(context_settings=HELP)
    @flag('pairs', '--assign', old=('--map',), multiple=True, help='Who becomes whom.')
    def cmd(pairs): click.echo(','.join(pairs))
    assert isinstance(cmd.params[0], Flag) and run(cmd, '--map', '0=a', '--assign', '1=b')==(0, '0=a,1=b')
    assert '--assign' in run(cmd, '-h')[1] and '--map' not in run(cmd, '-h')[1]
    group = click.Group(commands=dict(a=command(*OPTIONS)))
    assert set(switches(group))=={*'--help -h --small --small-faces --lossless --keep --overwrite -y'.split()}


def test_plugin_flag(tmp_path):
    "A plug-in is there before the options that name what it adds; a broken one is one line."
    (tmp_path/'p.py').write_text("from swapkit.registry import READERS\nREADERS['from_flag'] = print\n")
    (tmp_path/'bad.py').write_text('1/0')
    cmd = plugin_option(command(RunOptions))
    try: assert run(cmd, '--reader', 'from_flag', '--plugin', str(tmp_path/'p.py'))==(0, 'got --reader from_flag')
    finally: del registry.READERS['from_flag']
    assert 'bad.py cannot be used: ZeroDivisionError' in run(cmd, '--plugin', str(tmp_path/'bad.py'))[1]


def test_choices():
    assert check_choice('fruit', 'fig', ('fig', 'kiwi'))=='fig'
    said = refused(lambda: check_choice('fruit', 'kiwis', ('fig', 'kiwi')))
    assert said=="unknown fruit 'kiwis': choose fig, kiwi (did you mean 'kiwi'?)"
    assert refused(lambda: check_choice('fruit', 'x', ('fig', 'kiwi')))=="unknown fruit 'x': choose fig, kiwi"
    refused(lambda: check_choice('fruit', {}, ('fig',))); refused(lambda: check_choice('fruit', 'x', ()))


def test_several_names(monkeypatch):
    "Masks of one's own: any number of names, in any order."
    monkeypatch.setattr(registry.MASKS, '_specs', dict(bar=1, hand=2))
    for given in ('hand, bar', 'bar,hand', ('hand', 'bar', 'hand'), 'none,bar,hand'):
        assert SwapOptions(masks=given).masks=='bar,hand'
    assert SwapOptions(masks=()).masks==SwapOptions().masks=='none'
    assert to_argv(SwapOptions(masks=['bar']))==['--masks', 'bar'] and key(SwapOptions(masks='bar'))['masks']=='bar'
    kept = ', '.join(f'keep_{n}' for n in ('brows', 'eyes', 'nose', 'upper_face', 'lower_face'))
    choices = f"unknown masks 'hnd': choose none, hair, {kept}, bar, hand"
    refused(lambda: SwapOptions(masks='bar,hnd'), choices, "did you mean 'hand'")
    for wrong in (3, ['hand', 3]): refused(functools.partial(SwapOptions, masks=wrong), 'unknown masks')
    refused(functools.partial(SwapOptions, masks='bar,'), 'masks has an empty name')
    code, said = run(command(SwapOptions), '--masks', 'hand,bar')
    assert (code, said)==(0, 'got --masks bar,hand')
