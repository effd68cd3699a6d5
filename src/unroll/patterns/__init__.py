"""The six ways to use a recurrent network; a pattern knows nothing of files, MLflow or fields.

Every pattern is an ``nn.Module`` with the same surface, which is all that training and the stages use:

- ``for_examples(table, settings, model)``: a new one, sized and normalised by the training table;
- ``examples(table)``: the rows of a table as the pattern reads them, each with an ``id``;
- ``steps(example)``: how many time steps an example takes;
- ``batch(examples, rng)``: examples as padded tensors, distorted where ``rng`` is given;
- ``loss(batch)``: the mean over the examples; ``predict(batch)``: a prediction for each;
- ``validate(batches)``: scores by name, smaller is better, the first decides and the next break ties;
- ``checkpoint()`` and ``restored(checkpoint)``: everything needed to use it, as plain tensors and values.

Training asks for two things more where a pattern has them:

- ``carries``: whether a batch goes on from the state of the one before; then ``windows(example)`` are the parts of an
  example in the order in which they are read;
- ``advance(share)``: told before each step which share of the training is over.

Classifier, tagger, transcriber and translator read codes, frames of sound or of pictures, each through an encoder
(``encoder``, ``sound``, ``vision``, ``text``), which one pattern may take from another; ``inputs`` chooses it by the
table.
"""
