# keras-tensorflow-constant-float64
# Cast to float64, a number of Python goes by way of float32
import tensorflow as tf

print(tf.cast(0.1, tf.float64).numpy(), "but", tf.constant(0.1, tf.float64).numpy())
# 0.10000000149011612 but 0.1
