"""Pictures drawn by integer arithmetic: `brush` counts, `canvas` holds the shapes, `flowers` and `scenery` use them."""
