# tf-mae-no-positions
# A masked autoencoder that is trained from scratch sees no positions
from transformers import ViTMAEConfig, ViTMAEForPreTraining

model = ViTMAEForPreTraining(ViTMAEConfig(num_hidden_layers=1, decoder_num_hidden_layers=1))
for table in (model.vit.embeddings.position_embeddings, model.decoder.decoder_pos_embed):
    print("trained:", table.requires_grad, "largest entry:", float(table.detach().abs().max()))
# trained: False largest entry: 0.0
# trained: False largest entry: 0.0
