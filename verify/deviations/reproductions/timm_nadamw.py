# timm-nadamw-first-steps
# NAdamW corrects the momentum that looks ahead by 1 - beta1^t, where Dozat's algorithm has 1 - beta1^(t + 1)
import torch
from timm.optim import NAdamW

beta1 = 0.9
w = torch.nn.Parameter(torch.zeros(1))
optimiser = NAdamW([w], lr=1.0, betas=(beta1, 0.999), weight_decay=0.0)
for t in (1, 2, 3):
    before = w.item()
    w.grad = torch.ones(1)
    optimiser.step()
    nadam = beta1 * (1 - beta1**t) / (1 - beta1 ** (t + 1)) + (1 - beta1) / (1 - beta1**t)
    print(f"step {t}: {before - w.item():.4f}, NAdam's {nadam:.4f}")
# step 1: 1.9000, NAdam's 1.4737
# step 2: 1.4263, NAdam's 1.1573
# step 3: 1.2690, NAdam's 1.0782
