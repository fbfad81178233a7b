"""Who works on which participant: one after the other, processes side by side, or a cluster."""
