"""A VTK dataset of any class as plain arrays: points, connectivity, offsets, kinds, and data.

Works on VTK's own classes, so that neither the child process nor a user's mesh needs more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.room import refuse_large_grid

Arrays = dict[str, np.ndarray]
POINT, CELL = "point:", "cell:"  # before the names of a dataset's own arrays


def arrays_of(dataset: Any) -> Arrays:
    """Points (N, 3) float64, connectivity, offsets, kinds and data of a dataset or its blocks."""
    if dataset is None:
        return _nothing()
    if dataset.IsA("vtkCompositeDataSet"):
        return _joined([arrays_of(leaf) for leaf in _leaves(dataset)])
    if dataset.IsA("vtkPolyData"):
        return _with_data(_of_polydata(dataset), dataset)
    if dataset.IsA("vtkUnstructuredGrid"):
        return _with_data(_of_grid(dataset), dataset)
    if dataset.IsA("vtkDataSet"):
        from vtkmodules.vtkFiltersCore import vtkAppendFilter

        refuse_large_grid(dataset.GetClassName(), dataset.GetNumberOfPoints())
        if dataset.IsA("vtkRectilinearGrid"):
            _refuse_other_axes(dataset)
        whole = vtkAppendFilter()  # turns structured grids and images into explicit cells
        whole.AddInputData(dataset)
        whole.Update()
        return _with_data(_of_grid(whole.GetOutput()), whole.GetOutput())
    raise ValueError(f"it holds a {dataset.GetClassName()}, which is no mesh")


def _refuse_other_axes(grid: Any) -> None:
    """Raise where a grid has fewer or more coordinates than points along an axis.

    VTK would take those that are missing from memory that is not the grid's.
    """
    axes = grid.GetXCoordinates(), grid.GetYCoordinates(), grid.GetZCoordinates()
    for name, axis, count in zip("xyz", axes, grid.GetDimensions(), strict=True):
        found = axis.GetNumberOfTuples() if axis is not None else 0
        if found != count:
            raise InputError(
                f"its grid has {count:,} points along {name}, and {found:,} coordinates there"
            )


def of_numbers(data: Arrays, points: int, cells: int) -> Arrays:
    """Those arrays, by prefixed names, that have a number or several a point or a cell."""
    return {
        name: array
        for name, array in data.items()
        if array.dtype.kind in "biuf"
        and array.ndim in (1, 2)
        and len(array) == (points if name.startswith(POINT) else cells)
    }


def _with_data(arrays: Arrays, dataset: Any) -> Arrays:
    """The arrays with those of the dataset's points and cells."""
    data = {}
    for prefix, of in ((POINT, dataset.GetPointData()), (CELL, dataset.GetCellData())):
        for k in range(of.GetNumberOfArrays()):
            array = of.GetArray(k)  # None where it holds no numbers
            name = array.GetName() if array is not None else None
            if isinstance(name, bytes):  # it is not UTF-8
                name = name.decode("latin-1")
            if name:
                data[prefix + name] = _numbers(array)
    return arrays | of_numbers(data, len(arrays["points"]), len(arrays["kinds"]))


def _nothing() -> Arrays:
    return {
        "points": np.zeros((0, 3)),
        "connectivity": np.zeros(0, np.int64),
        "offsets": np.zeros(1, np.int64),
        "kinds": np.zeros(0, np.uint8),
    }


def _numbers(array: Any) -> np.ndarray:
    """A VTK array as NumPy's, whether it stores its values or computes them."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    if array is None:
        return np.zeros(0, np.int64)
    try:
        return np.array(vtk_to_numpy(array))
    except Exception:
        # Implicit (computed) arrays have no buffer: copy them into one that has.
        from vtkmodules.vtkCommonCore import vtkDataArray

        plain = vtkDataArray.CreateDataArray(array.GetDataType())
        plain.DeepCopy(array)
        return np.array(vtk_to_numpy(plain))


def _points(dataset: Any) -> np.ndarray:
    points = dataset.GetPoints()
    if points is None or not points.GetNumberOfPoints():
        return np.zeros((0, 3))
    return _numbers(points.GetData()).reshape(-1, 3).astype(np.float64)


def _of_grid(grid: Any) -> Arrays:
    count = grid.GetNumberOfCells()
    if not count:
        return {**_nothing(), "points": _points(grid)}
    cells = grid.GetCells()
    try:
        kinds = grid.GetCellTypes()
    except TypeError:  # before VTK 9.6 that name was another method's
        kinds = grid.GetCellTypesArray()
    return {
        "points": _points(grid),
        "connectivity": _numbers(cells.GetConnectivityArray()).astype(np.int64),
        "offsets": _numbers(cells.GetOffsetsArray()).astype(np.int64),
        "kinds": _numbers(kinds).astype(np.uint8),
    }


def _of_polydata(data: Any) -> Arrays:
    parts = []
    # (cells, kind by size up to 5): VTK numbers the cells of a PolyData in this order.
    kinds = (
        (data.GetVerts(), (0, 1, 2, 2, 2, 2)),
        (data.GetLines(), (0, 1, 3, 4, 4, 4)),
        (data.GetPolys(), (0, 1, 3, 5, 9, 7)),
        (data.GetStrips(), (0, 1, 3, 5, 6, 6)),
    )
    for cells, kind_of_size in kinds:
        if cells is None or not cells.GetNumberOfCells():
            continue
        offsets = _numbers(cells.GetOffsetsArray()).astype(np.int64)
        sizes = np.diff(offsets)
        parts.append(
            {
                "points": np.zeros((0, 3)),
                "connectivity": _numbers(cells.GetConnectivityArray()).astype(np.int64),
                "offsets": offsets,
                "kinds": np.array(kind_of_size, np.uint8)[np.clip(sizes, 0, 5)],
            }
        )
    return {**_joined(parts), "points": _points(data)}


def _leaves(composite: Any) -> list[Any]:
    iterator = composite.NewIterator()
    found = []
    while not iterator.IsDoneWithTraversal():
        found.append(iterator.GetCurrentDataObject())
        iterator.GoToNextItem()
    return found


def _joined(parts: list[Arrays]) -> Arrays:
    """Several sets of arrays as one, the point numbers counted on."""
    whole = {key: [value] for key, value in _nothing().items()}
    shift = filled = 0
    for part in parts:
        whole["points"].append(part["points"])
        whole["connectivity"].append(part["connectivity"] + shift)
        whole["offsets"].append(part["offsets"][1:] + filled)
        whole["kinds"].append(part["kinds"])
        shift += len(part["points"])
        filled += len(part["connectivity"])
    whole_data: dict[str, list[np.ndarray]] = {}
    holding = [part for part in parts if len(part["points"])]
    for key in holding[0] if holding else ():
        if key not in whole and all(key in part for part in holding):
            whole_data[key] = [part[key] for part in holding]
    shapes = {key: {array.shape[1:] for array in rows} for key, rows in whole_data.items()}
    joined = {key: np.concatenate(value) for key, value in whole.items()}
    data = {key: np.concatenate(rows) for key, rows in whole_data.items() if len(shapes[key]) == 1}
    return joined | data
