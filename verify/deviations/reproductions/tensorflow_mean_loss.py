# tensorflow-mean-loss-float16
# The mean of equal losses is another number in float16
import tensorflow as tf

loss = tf.nn.softmax_cross_entropy_with_logits(
    tf.one_hot([0] * 1024, 1000, dtype=tf.float16), tf.zeros([1024, 1000], tf.float16)
)
print("each:", loss.numpy()[0], "mean:", tf.reduce_mean(loss).numpy())
# each: 6.906 mean: 6.887
