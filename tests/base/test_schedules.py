"""Tables and functions of time."""

import numpy as np
import pytest

import meshrep


def test_a_table_is_linear_between_its_times_and_constant_beyond_them():
    ramp = meshrep.Schedule.of({"t": [10, 20, 20, 30], "value": [1, 3, -1, 0]})
    times = [-5, 10, 12.5, np.nextafter(20, 0), 20, 25, 30, 99]
    np.testing.assert_allclose([ramp.at(t) for t in times], [1, 1, 1.5, 3, -1, -0.5, 0, 0])
    assert ramp.jumps.tolist() == [20]
    assert meshrep.Schedule(4, 7).at(0) == 7


def test_a_function_says_where_it_jumps():
    pulse = meshrep.Schedule(lambda t: 5.0 * (t >= 3), jumps=[3])
    assert pulse.at(2) == 0 and pulse.at(3) == 5 and pulse.jumps.tolist() == [3]


@pytest.mark.parametrize("given, message", [
    (([0, 1],), "needs their values"),
    (([0, 1], [5]), "1 for 2"),
    (([], []), "0 for 0"),
    (([0, 2, 1], [1, 2, 3]), "1 follows 2"),
    (([0, 1, 1, 1], [1, 2, 3, 4]), "more than twice"),
    (([0, float("nan")], [1, 2]), "finite"),
    ((["a"], [1]), "must be numbers"),
    ((np.sin, [1]), "or a function"),
])  # fmt: skip
def test_what_is_no_table(given, message):
    with pytest.raises(meshrep.InputError, match=message):
        meshrep.Schedule(*given)


def test_what_is_no_mapping_of_a_table():
    with pytest.raises(meshrep.InputError, match="t = "):
        meshrep.Schedule.of({"t": [0], "values": [1]})
