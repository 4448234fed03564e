"""Settings read from text, checked, and refused in one sentence."""

import numpy as np
import pytest

from meshrep import InputError, Setting
from meshrep.base.settings import both_spellings, checked

DEGREE = Setting("degree", int, "degree", default=8, least=1)
LR = Setting("lr", float, "step length", above=0)
SHARE = Setting("momentum", float, "share", default=0.5, least=0, below=1)
AIM = Setting("how", str, "aim", default="minimise", choices=("minimise", "maximise"))
SWITCH = Setting("switch", int, "steps", default="auto", least=1, words=("auto",))
HIDDEN = Setting("hidden", int, "width", default=8, least=1, several=True)
ADAPTIVE = Setting("adaptive", bool, "steps", default=False)


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (DEGREE, "12", 12),
        (LR, " 1e-3 ", 1e-3),
        (SHARE, "0", 0.0),
        (AIM, "maximize", "maximise"),
        (SWITCH, "auto", "auto"),
        (SWITCH, "30", 30),
        (HIDDEN, "8", 8),
        (HIDDEN, "8,6", (8, 6)),
        (ADAPTIVE, "yes", True),
        (ADAPTIVE, "", True),
        (ADAPTIVE, "off", False),
    ],
)
def test_text_becomes_a_value(setting, text, value):
    found = setting.read(text)
    assert found == value and type(found) is type(value)
    assert setting.check(value) == value


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (DEGREE, 0, "degree must be a whole number, 1 or more, not 0"),
        (DEGREE, 1.5, "degree must be a whole number"),
        (DEGREE, True, "degree must be a whole number"),
        (DEGREE, "twelve", "not 'twelve'"),
        (LR, 0, "lr must be a positive number, not 0"),
        (LR, float("nan"), "lr must be a positive number, not nan"),
        (LR, float("inf"), "lr must be a positive number"),
        (SHARE, 1.0, "momentum must be a number from 0 to below 1, not 1.0"),
        (AIM, "square", "how must be one of minimise, maximise, not 'square'"),
        (SWITCH, "never", "switch must be 'auto' or whole number, 1 or more, not 'never'"),
        (HIDDEN, (8, 0), "hidden must be"),
        (HIDDEN, (), "hidden must be"),
        (ADAPTIVE, 1, "adaptive must be true or false, not 1"),
    ],
)
def test_what_is_out_of_range_is_one_sentence(setting, value, message):
    with pytest.raises(InputError, match=message) as caught:
        setting.check(value)
    assert "\n" not in str(caught.value)
    if isinstance(value, str):
        with pytest.raises(InputError, match=message):
            setting.read(value)


def test_numbers_of_numpy_are_numbers():
    assert DEGREE.check(np.int64(3)) == 3 and LR.check(np.float32(0.5)) == 0.5


def test_unknown_names_are_refused_with_those_that_there_are():
    with pytest.raises(InputError, match=r"it: no|spectral has no setting 'degre': did you mean d"):
        checked("spectral", (DEGREE, LR), {"degre": 3})
    with pytest.raises(InputError, match="newton has no setting 'lr': it has none"):
        checked("newton", (), {"lr": 1.0})
    assert checked("spectral", (DEGREE, LR), {"degree": 3, "lr": None}) == {"degree": 3}


def test_keywords_are_taken_in_both_spellings_and_once():
    @both_spellings
    def near(place, *, neighbours=1, centre=0):
        return place, neighbours, centre

    assert near(2, neighbors=3, center=4) == near(2, neighbours=3, centre=4) == (2, 3, 4)
    with pytest.raises(InputError, match="neighbours and neighbors are the same"):
        near(2, neighbours=3, neighbors=3)
    with pytest.raises(TypeError, match="unexpected keyword"):
        near(2, maximize=1)
