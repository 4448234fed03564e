"""Heat conduction in a part, by finite elements: materials, patches, elements, the energy."""
