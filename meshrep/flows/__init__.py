"""Fields in time: M dw/dt = −∇E and what drives them beside, by explicit and implicit steps."""
