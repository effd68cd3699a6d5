"""Simple methods and peers, which a model has to beat on the very same examples.

Each module is a method. ``params.yaml`` names it under ``baselines`` of a task, and ``unroll.stages.baseline`` runs
it through

- ``PATTERN``: the module of ``unroll.patterns`` whose examples it reads, and whose settings it is given;
- ``Settings``: its own, ``method`` first, which is the name of the module;
- ``Baseline.for_examples(table, task, settings, seed)``: fitted to the features of the training split, where ``task``
  are the settings of the pattern;
- ``examples(table)``: the examples of a table as the pattern makes them;
- ``predict(examples)``: a prediction of the pattern's type for each;
- ``parameters``: how many numbers it learned.
"""
