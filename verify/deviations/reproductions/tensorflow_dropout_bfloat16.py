# tensorflow-dropout-rate-bfloat16
# In bfloat16 a rate of 1 % drops 1.56 %
import tensorflow as tf

tf.random.set_seed(0)
y = tf.nn.dropout(tf.ones([1_000_000], tf.bfloat16), rate=0.01)
print("share dropped:", round(float(tf.reduce_mean(tf.cast(y == 0, tf.float32))), 4))
# share dropped: 0.0156
