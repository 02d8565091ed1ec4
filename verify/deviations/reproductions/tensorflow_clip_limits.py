# tensorflow-clip-shut tensorflow-clip-open tensorflow-clip-single-shut tensorflow-clip-single-open
# Limits of 0 and inf make gradients NaN
import tensorflow as tf

three, zero = tf.fill([2], 3.0), tf.zeros([2])
print(tf.clip_by_global_norm([three], float("inf"))[0][0].numpy())
# [nan nan]
print(tf.clip_by_norm(three, float("inf")).numpy())
# [nan nan]
print(tf.clip_by_global_norm([zero], 0.0)[0][0].numpy())
# [nan nan]
print(tf.clip_by_norm(zero, 0.0).numpy())
# [nan nan]
