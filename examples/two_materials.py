"""A part of two materials: a steel pipe in insulation, hot inside and in air outside.
===================================================================================

The heat q that a metre of the pipe loses passes through three resistances in a row, which are those
of steel, insulation and air: q = (T_in − T_air) / (ln(r₂/r₁)/(2π k₁) + ln(r₃/r₂)/(2π k₂) +
1/(2π r₃ h)). Lengths of the mesh are in millimetres.
"""

import numpy as np
import pyvista as pv

import meshrep

inner, between, outer = 20.0, 24.0, 44.0  # mm
radii = np.concatenate([np.linspace(inner, between, 5), np.linspace(between, outer, 13)[1:]])
pipe = pv.CylinderStructured(
    radius=radii, height=100.0, theta_resolution=97, z_resolution=11, direction=(0, 0, 1)
).cast_to_unstructured_grid()
pipe = pipe.clean(tolerance=1e-6)  # joins the seam of the circle
middle = np.hypot(*pipe.cell_centers().points[:, :2].T)
pipe.cell_data["material"] = np.where(middle < between, 1, 2)

energy = meshrep.Conduction(
    meshrep.from_pyvista(pipe),
    {"material": {1: 50.0, 2: 0.04}},  # W/(m K), of steel and of mineral wool
    fixed={"hypot(x, y) < 20.1": 120.0},  # °C
    convection=[("hypot(x, y) > 43.9", 10.0, 20.0)],  # where, W/(m² K), air in °C
    units="mm",
)
solution = meshrep.solve(energy)
entering = energy.heat_through(solution.field)["fixed 'hypot(x, y) < 20.1'"]
lost = entering / 0.1  # W/m: the pipe is 100 mm long
resistances = [np.log(between / inner) / 50.0, np.log(outer / between) / 0.04, 1 / (0.044 * 10.0)]
known = 2 * np.pi * (120.0 - 20.0) / sum(resistances)
print(solution, *solution.answers, sep="\n")
print(f"a metre loses {lost:.3f} W, known {known:.3f} W")
assert abs(lost - known) < 2e-3 * known

if __name__ == "__main__":
    solution.plot("two_materials.png", title="Steel in mineral wool", clip="corner")
    solution.save("two_materials.vtu")  # ParaView opens it
