# mlx-uniform-high, mlx-uniform-16-ties
# mlx.core.random.uniform on [1, 2) gives 2
import mlx.core as mx

mx.random.seed(0)
for dtype in (mx.float32, mx.float16, mx.bfloat16):
    x = mx.random.uniform(1, 2, (1 << 23,), dtype=dtype)
    unit = mx.random.uniform(shape=(1 << 23,), dtype=dtype)
    print(f"{dtype}: {(x == 2).sum().item()} of {x.size} are 2; of [0, 1): {(unit == 1).sum().item()} are 1")
# mlx.core.float32: 1 of 8388608 are 2; of [0, 1): 0 are 1
# mlx.core.float16: 6146 of 8388608 are 2; of [0, 1): 0 are 1
# mlx.core.bfloat16: 49274 of 8388608 are 2; of [0, 1): 0 are 1
