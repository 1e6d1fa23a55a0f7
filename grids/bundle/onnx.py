"""Networks as ONNX files, which runtimes without torch read (`grids.restoring.runtimes`).

A file holds the graph alone: its weights lie where they are already, in the safetensors file beside
it, which ONNX can point into (external data). Weights in half precision become float32 on loading.
Networks that differ in their weights only are traced once.
"""

import json
import logging
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
import torch.nn.functional as F
from onnxscript import optimizer, rewriter
from onnxscript.rewriter.pattern import RewriteRule
from torch import Tensor, nn

from grids.base import unreported
from grids.base.errors import InputError
from grids.models import tiles

onnxruntime = unreported.onnxruntime()

OPSET = 20
# Free sides are traced at so many steps of the strides; at one step a side would be a constant.
STEPS = (8, 12)
# How a network may continue sides that its strides do not divide; torch's names are ONNX's.
CONTINUATIONS = ("constant", "reflect")
DTYPES = {"F16": ir.DataType.FLOAT16, "F32": ir.DataType.FLOAT}


class NoGraphError(Exception):
    """A network is none of those that ONNX can tell."""


def trace(network: nn.Module) -> ir.Model:
    """The graph of a restorer, `input` → `output`, (1, 3, height, width) with free sides.

    Its weights are inputs too, by their names; `write` makes them parts of a file.

    Args:
        network: a restorer in evaluation mode, on the CPU.

    Raises:
        NoGraphError: torch cannot export it, or it continues images as no padding of ONNX does.
    """
    stride = tiles.measured(network, network)[1]
    mode = _continuation(network, stride) if stride > 1 else ""
    height, width = torch.export.Dim("height", min=2), torch.export.Dim("width", min=2)
    if stride > 1:
        height, width = stride * height, stride * width
    example = torch.rand(1, 3, *(stride * steps for steps in STEPS))
    model = _traced(network, example, {2: height, 3: width})
    if stride > 1:
        _continue(model.graph, stride, mode)
    for value in (model.graph.inputs[0], *model.graph.outputs):
        value.shape = ir.Shape([1, 3, "height", "width"])
    return model


def write(model: ir.Model, weights: Path, target: Path) -> None:
    """Writes a traced graph with the weights of a safetensors file in the folder of `target`.

    Raises:
        InputError: the file lacks a weight, or has it in another precision than half or single.
    """
    model = model.clone()
    graph, stored = model.graph, _stored(weights)
    casts = []
    for value in list(graph.inputs[1:]):
        graph.inputs.remove(value)
        if not value.uses():
            continue
        name = str(value.name)
        if name not in stored:
            raise InputError(f"{weights}: tensor {name!r} is missing, or not of 16 or 32 bits")
        tensor = stored[name]
        if tensor.dtype != ir.DataType.FLOAT:
            half = ir.Value(name=name, shape=tensor.shape, type=ir.TensorType(tensor.dtype))
            value.name = f"{name}.float"
            cast = ir.node("Cast", [half], {"to": ir.DataType.FLOAT}, outputs=[value])
            casts.append(cast)
            value = half
        value.const_value = tensor
        graph.register_initializer(value)
    graph.insert_before(graph[0], casts)
    ir.save(model, target)


def difference(file: Path, network: nn.Module, examples: Sequence[Tensor]) -> float:
    """The largest difference of the file's outputs from the network's, of an output's largest."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    worst = 0.0
    for example in examples:
        with torch.inference_mode():
            exact = network(example).numpy()
        (output,) = session.run(None, {"input": example.numpy()})
        apart = float(np.abs(output - exact).max() / np.abs(exact).max())
        worst = max(worst, apart if np.isfinite(apart) else np.inf)
    return worst


def _traced(network: nn.Module, example: Tensor, free_sides: dict[int, Any]) -> ir.Model:
    try:
        with _quiet():
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                input_names=["input"],
                output_names=["output"],
                dynamic_shapes=(free_sides,),
                opset_version=OPSET,
                optimize=False,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error).strip().partition("\n")[0]
        raise NoGraphError(f"torch exports no ONNX of the network ({reason})") from None
    assert program is not None  # for the types: it is None with dynamo=False
    model = program.model
    # As inputs, weights are left alone by what computes constants beforehand.
    for name in [name for name in network.state_dict() if name in model.graph.initializers]:
        value = model.graph.initializers.pop(name)
        value.const_value = None
        model.graph.inputs.append(value)
    optimizer.optimize_ir(model)
    # What one gives, the next may take.
    for rules in RULES:
        rewriter.rewrite(model, rules)
    _take_splits_apart(model.graph)
    for node in model.graph:
        node.metadata_props.clear()
        node.doc_string = None
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks about libraries that are not there."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _stored(weights: Path) -> dict[str, ir.ExternalTensor]:
    """The tensors of a safetensors file in half or single precision, by name and place.

    The file is eight bytes that tell how long the header is, the header in JSON, the numbers.
    """
    with open(weights, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return {
        name: ir.ExternalTensor(
            weights.name,
            8 + length + about["data_offsets"][0],
            about["data_offsets"][1] - about["data_offsets"][0],
            DTYPES[about["dtype"]],
            shape=ir.Shape(about["shape"]),
            name=name,
            base_dir=weights.parent,
        )
        for name, about in header.items()
        if about.get("dtype") in DTYPES
    }


def _continuation(network: nn.Module, stride: int) -> str:
    """How the network continues an image whose sides `stride` does not divide."""
    side = 4 * stride - stride // 2
    image = torch.rand(1, 3, side, side)
    lacking = 4 * stride - side
    with torch.inference_mode():
        expected = network(image)
        for mode in CONTINUATIONS:
            continued = F.pad(image, (0, lacking, 0, lacking), mode)
            if torch.allclose(network(continued)[..., :side, :side], expected, atol=1e-5):
                return mode
    raise NoGraphError(
        f"what the network does with sides that {stride} does not divide is no padding of ONNX at "
        f"the right and lower edge ({', '.join(CONTINUATIONS)})"
    )


def _continue(graph: ir.Graph, stride: int, mode: str) -> None:
    """Puts in front what continues the input to multiples of `stride`, behind what cuts it off."""
    image, (result,) = graph.inputs[0], graph.outputs

    def constant(name: str, numbers: Sequence[int]) -> ir.Value:
        tensor = ir.tensor(np.array(numbers, np.int64), name=name)
        value = ir.Value(
            name=name, type=ir.TensorType(tensor.dtype), shape=ir.Shape([len(numbers)])
        )
        value.const_value = tensor
        graph.register_initializer(value)
        return value

    sides = ir.node("Shape", [image], {"start": 2, "end": 4})
    missing = ir.node("Neg", sides.outputs)
    lacking = ir.node("Mod", [missing.outputs[0], constant("stride", [stride])])
    pads = ir.node("Concat", [constant("unpadded", [0] * 6), lacking.outputs[0]], {"axis": 0})
    padded = ir.node("Pad", [image, pads.outputs[0]], {"mode": mode})
    for user, index in tuple(image.uses()):
        if user is not sides and user is not padded:
            user.replace_input_with(index, padded.outputs[0])
    graph.insert_before(graph[0], [sides, missing, lacking, pads, padded])
    starts, axes = constant("corner", [0, 0]), constant("sides", [2, 3])
    result.name = "continued"
    cut = ir.node("Slice", [result, starts, sides.outputs[0], axes])
    cut.outputs[0].name, cut.outputs[0].type = "output", result.type
    graph.append(cut)
    graph.outputs[0] = cut.outputs[0]


def _take_splits_apart(graph: ir.Graph) -> None:
    """Lets convolutions whose channels are split next compute each part by itself.

    The parts would be copies, which took a tenth of NAFNet's time.
    """
    for split in [node for node in graph if node.op_type == "Split"]:
        convolutions, parts = _convolutions_before(split), len(split.outputs)
        if not convolutions or split.attributes["axis"].as_int() != 1 or len(split.inputs) > 1:
            continue
        values = [convolutions[0].inputs[0]] * parts
        for convolution in convolutions:
            weights = [
                ir.node("Split", [weight], {"axis": 0, "num_outputs": parts}, num_outputs=parts)
                for weight in convolution.inputs[1:]
            ]
            group = ir.AttrInt64("group", convolution.attributes["group"].as_int() // parts or 1)
            attributes = [*{**convolution.attributes, "group": group}.values()]
            made = [
                ir.Node("", "Conv", [value, *(each.outputs[part] for each in weights)], attributes)
                for part, value in enumerate(values)
            ]
            graph.insert_before(split, [*weights, *made])
            values = [node.outputs[0] for node in made]
        for before, value in zip(split.outputs, values, strict=True):
            assert value is not None  # for the types
            value.name = before.name
            before.replace_all_uses_with(value)
        graph.remove([split, *convolutions], safe=True)


def _convolutions_before(split: ir.Node) -> list[ir.Node]:
    """One that mixes channels, and behind it those of single channels, which the split divides.

    Empty where there is none, or where another node uses what is between them.
    """
    convolutions: list[ir.Node] = []
    value = split.inputs[0]
    while value is not None and len(value.uses()) == 1:
        node = value.producer()
        if node is None or node.op_type != "Conv":
            break
        convolutions.insert(0, node)
        group, weight = node.attributes["group"].as_int(), node.inputs[1]
        if group == 1:
            return convolutions
        of_single = weight is not None and weight.shape is not None and weight.shape[0] == group
        if not of_single or group % len(split.outputs):
            break
        value = node.inputs[0]
    return []


# Convolutions of runtimes keep the channels of a pixel apart (NCHW), torch's networks together
# (NHWC). What the networks do with views for that would be copies here.


def _product(op: Any, pixels: ir.Value, weight: ir.Value) -> Any:
    product = op.MatMul(pixels, op.Transpose(weight, perm=[1, 0]))
    return op.Transpose(product, perm=[0, 3, 1, 2])


def _convolution(op: Any, pixels: ir.Value, weight: ir.Value) -> Any:
    before, behind = pixels.producer(), op.Constant(value_ints=[2, 3])
    if before and before.op_type == "Transpose" and _order(before) == [0, 2, 3, 1]:
        planes = before.inputs[0]
    else:
        planes = op.Transpose(pixels, perm=[0, 3, 1, 2])
    return op.Conv(planes, op.Unsqueeze(weight, behind), group=1)


def _order(transpose: ir.Node) -> list[int]:
    return list(transpose.attributes["perm"].as_ints())


# Queries, keys and values. Split as planes, they may be taken apart.


def _thirds(op: Any, x: ir.Value, shape: ir.Value) -> Any:
    pixels = op.Reshape(op.Transpose(x, perm=[0, 2, 3, 1]), shape)
    return op.Split(pixels, axis=2, num_outputs=3, _outputs=3)


def _thirds_of_planes(op: Any, x: ir.Value, shape: ir.Value) -> Any:
    third = op.Constant(value_ints=[1, -1, _numbers(shape)[2] // 3])
    parts = op.Split(x, axis=1, num_outputs=3, _outputs=3)
    return [op.Reshape(op.Transpose(part, perm=[0, 2, 3, 1]), third) for part in parts]


def _keeps_channels(context: Any, x: ir.Value, shape: ir.Value) -> bool:
    return x.shape is not None and _numbers(shape) == [1, -1, x.shape[1]] and x.shape[1] % 3 == 0


def _norm(op: Any, x: ir.Value, weight: ir.Value, bias: ir.Value, epsilon: ir.Attr) -> Any:
    pixels = op.Transpose(x, perm=[0, 2, 3, 1])
    normed = op.LayerNormalization(pixels, weight, bias, axis=-1, epsilon=epsilon)
    return op.Transpose(normed, perm=[0, 3, 1, 2])


def _norm_over_planes(
    op: Any, x: ir.Value, weight: ir.Value, bias: ir.Value, epsilon: ir.Attr
) -> Any:
    channels, behind = op.Constant(value_ints=[1]), op.Constant(value_ints=[1, 2])
    centred = op.Sub(x, op.ReduceMean(x, channels, keepdims=1))
    variance = op.ReduceMean(op.Mul(centred, centred), channels, keepdims=1)
    deviation = op.Sqrt(op.Add(variance, op.Constant(value_float=epsilon.as_float())))
    scaled = op.Mul(op.Div(centred, deviation), op.Unsqueeze(weight, behind))
    return op.Add(scaled, op.Unsqueeze(bias, behind))


def _mean(op: Any, x: ir.Value, shape: ir.Value, axes: ir.Value, behind: ir.Value) -> Any:
    pixels = op.Reshape(op.Transpose(x, perm=[0, 2, 3, 1]), shape)
    return op.Unsqueeze(op.ReduceMean(pixels, axes, keepdims=0), behind)


def _mean_of_planes(op: Any, x: ir.Value, **_: ir.Value) -> Any:
    return op.GlobalAveragePool(x)


def _is_mean(context: Any, axes: ir.Value, behind: ir.Value, **_: ir.Value) -> bool:
    return _numbers(axes) == [1] and _numbers(behind) in ([2, 3], [-2, -1])


def _numbers(value: ir.Value) -> Any:
    return value.const_value.numpy().tolist() if value.const_value is not None else None


RULES = [
    [RewriteRule(_product, _convolution)],
    [
        RewriteRule(_norm, _norm_over_planes),
        RewriteRule(_mean, _mean_of_planes, _is_mean),
        RewriteRule(_thirds, _thirds_of_planes, _keeps_channels),
    ],
]
