"""In PyVista: every dataset has ``.meshrep`` once meshrep is installed; nothing is imported.
==========================================================================================

The temperature on a spherical band between two circles of latitude, one hot and one cold, is
known: with z the height over the radius, T = ½ + artanh z / (2 artanh z₁), where z₁ is the height
of the hot circle. The robust weights are those of linear finite elements on the surface.
"""

import numpy as np
import pyvista as pv

import meshrep.accessor  # noqa: F401  (an installed meshrep is found without this line)

band = pv.Sphere(radius=1.0, theta_resolution=80, phi_resolution=61, start_phi=30, end_phi=150)
warm = band.meshrep.heat(
    hot="z > zmax - 1e-6", cold="z < zmin + 1e-6", kind="dirichlet", laplacian="robust"
)
temperature = warm["temperature"]
print(warm.field_data["meshrep"])

z = warm.points[:, 2]
known = 0.5 + np.arctanh(z) / (2 * np.arctanh(z.max()))
worst = abs(temperature - known).max()
print(f"largest error {worst:.1e}")
assert worst < 1e-3

if __name__ == "__main__":
    plotter = pv.Plotter(off_screen=True)
    plotter.add_mesh(warm, scalars="temperature", cmap="inferno")
    plotter.screenshot("in_pyvista.png")
