"""The lines of plain PyTorch that make a net and train it, the same for prices and digits."""

from __future__ import annotations

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Split

__all__ = ["net_lines", "training_lines"]

_LOSSES = {"mse": "nn.functional.mse_loss", "cross-entropy": "nn.functional.cross_entropy"}


def net_lines(
    split: Split, model: ModelConfig, train: TrainConfig, *, outputs: str
) -> tuple[str, ...]:
    """Write the class of a net with the first weights of its seed.

    Args:
        split: what it reads.
        model, train: the net and its seed.
        outputs: how the script names the number of outputs.
    """
    sizes = [f"{split.features}", f"{model.hidden}"]
    sizes.append(f"num_layers={model.layers}")
    sizes.append("batch_first=True")
    if model.bidirectional:
        sizes.append("bidirectional=True")
    if _drops_units(model):
        sizes.append(f"dropout={model.dropout:g}")
    width = model.directions * model.hidden
    read = "out[:, -1]  # the last step's output"
    if model.readout == "all":
        width *= split.steps
        read = "out.flatten(1)  # every step's output"
    answer = "self.readout(read)"
    if model.squash:
        answer = "self.readout(read).sigmoid()"
    return (
        "",
        "class Net(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        f"        self.recurrent = nn.{model.kind.upper()}({', '.join(sizes)})",
        f"        self.readout = nn.Linear({width}, {outputs})",
        "        # First weights: uniform within 1 / sqrt(inputs), as torch draws them.",
        f"        generator = torch.Generator().manual_seed({train.seed})",
        f"        for part, inputs in ((self.recurrent, {model.hidden}), (self.readout, {width})):",
        "            for weight in part.parameters():",
        "                bound = 1 / inputs**0.5",
        "                nn.init.uniform_(weight, -bound, bound, generator=generator)",
        "",
        f"    def forward(self, window):  # (B, T, F) -> (B, {outputs})",
        "        out, _ = self.recurrent(window)",
        f"        read = {read}",
        f"        return {answer}",
        "",
    )


def _drops_units(model: ModelConfig) -> bool:
    return model.dropout > 0 and model.layers > 1


def training_lines(
    split: Split, model: ModelConfig, train: TrainConfig, *, held_out: tuple[int, int] | None = None
) -> tuple[str, ...]:
    """Write the loop over the epochs: ``windows`` and ``targets`` in, ``losses`` out.

    Args:
        split: what it reads.
        model, train: the net and how it is trained.
        held_out: first and last of the windows that validate, for early stopping.
    """
    optimizer = {"adam": "Adam", "sgd": "SGD"}[train.optimizer]
    lines = [
        'device = "cuda" if torch.cuda.is_available() else "cpu"',
        "net = Net().to(device)",
        "windows, targets = windows.to(device), targets.to(device)",
        f"optimizer = torch.optim.{optimizer}(net.parameters(), lr={train.lr:g}, fused=True)",
    ]
    if train.schedule == "one-cycle":
        lines += [
            f"steps = {train.epochs} * -(-train_count // {train.batch}) + 1",
            "schedule = torch.optim.lr_scheduler.OneCycleLR(",
            f"    optimizer, max_lr={train.lr:g}, total_steps=steps, cycle_momentum=False",
            ")",
        ]
    if _drops_units(model):
        lines.append("step = 0")
    if train.patience:
        lines += _held_out_lines(held_out)
        lines.append('best_loss, best_epoch, best_weights = float("inf"), 0, None')
    lines += ["losses = []", f"for epoch in range({train.epochs}):"]
    lines += [f"    {line}" for line in _epoch_lines(split, model, train)]
    if train.patience:
        lines.append("net.load_state_dict(best_weights)")
    return tuple(lines)


def _epoch_lines(split: Split, model: ModelConfig, train: TrainConfig) -> list[str]:
    order = "np.arange(train_count)"
    if train.shuffle:
        order = f"np.random.default_rng(({train.seed}, epoch)).permutation(train_count)"
    lines = [
        "net.train()",
        "total = 0.0",
        f"order = {order}",
        f"for batch in torch.as_tensor(order).split({train.batch}):",
    ]
    lines += [f"    {line}" for line in _step_lines(split, model, train)]
    lines += [
        "losses.append(total / train_count)",
        'print(f"epoch {epoch + 1}: loss {losses[-1]:.6f}")',
    ]
    if train.patience:
        lines += [
            "net.eval()",
            "with torch.inference_mode():",
            "    valid = nn.functional.mse_loss(net(windows[held_out]), targets[held_out]).item()",
            "if valid < best_loss:",
            "    best_loss, best_epoch = valid, epoch",
            "    best_weights = {k: v.clone() for k, v in net.state_dict().items()}",
            f"if epoch - best_epoch >= {train.patience}:",
            "    break",
        ]
    return lines


def _step_lines(split: Split, model: ModelConfig, train: TrainConfig) -> list[str]:
    lines = []
    if _drops_units(model):
        lines.append(f"torch.manual_seed({train.seed << 32} + step)  # which units drop")
        lines.append("step += 1")
    lines += [
        f"loss = {_LOSSES[split.objective]}(net(windows[batch]), targets[batch])",
        "optimizer.zero_grad()",
        "loss.backward()",
    ]
    if train.clip > 0:
        lines.append(f"nn.utils.clip_grad_norm_(net.parameters(), {train.clip:g})")
    lines.append("optimizer.step()")
    if train.schedule == "one-cycle":
        lines.append("schedule.step()")
    lines.append("total += loss.item() * len(batch)")
    return lines


def _held_out_lines(held_out: tuple[int, int] | None) -> list[str]:
    if held_out is None:
        return []
    start, stop = held_out
    return [f"held_out = slice({start}, {stop})  # the latest windows before the test validate"]
