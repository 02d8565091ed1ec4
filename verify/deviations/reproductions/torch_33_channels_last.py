# torch-orthogonal-channels-last
# orthogonal_ refuses a kernel that lies in memory with its channels last
import torch

kernel = torch.zeros(8, 4, 3, 3).contiguous(memory_format=torch.channels_last)
torch.nn.init.xavier_normal_(kernel)  # as all others, it takes it
try:
    torch.nn.init.orthogonal_(kernel)
except RuntimeError as error:
    print(str(error).partition(" (")[0])
# view size is not compatible with input tensor's size and stride
