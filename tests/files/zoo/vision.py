"""Models of pictures and sound of transformers, small and with chance weights."""

import os
import warnings

import torch

os.environ["HF_HUB_OFFLINE"] = "1"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import transformers as hf

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
DECODER = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}


def model(name, config, **settings):
    """A maker of a model that takes pictures."""
    return lambda: (getattr(hf, name)(getattr(hf, config)(**settings)), {"pixel_values": torch.rand(2, 3, 64, 64)})


def clip():
    patches = {"image_size": 64, "patch_size": 16}
    text = {"vocab_size": 97, "max_position_embeddings": 32, "eos_token_id": 2}
    config = hf.CLIPConfig(text_config=SMALL | text, vision_config=SMALL | patches, projection_dim=16)
    inputs = {"input_ids": torch.randint(3, 90, (2, 11)), "pixel_values": torch.rand(2, 3, 64, 64)}
    return hf.CLIPModel(config), inputs


def detr():
    sizes = {"embedding_size": 8, "hidden_sizes": [16, 24, 32, 40], "depths": [1, 1, 1, 1]}
    config = hf.DetrConfig(
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        backbone_config=hf.ResNetConfig(out_features=["stage4"], **sizes),
        num_queries=10,
        **DECODER,
    )
    return hf.DetrForObjectDetection(config), {"pixel_values": torch.rand(2, 3, 64, 64)}


def wav2vec2():
    config = hf.Wav2Vec2Config(
        conv_dim=(16, 16, 16),
        conv_stride=(5, 2, 2),
        conv_kernel=(10, 3, 3),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        vocab_size=32,
        **SMALL,
    )
    return hf.Wav2Vec2ForCTC(config), {"input_values": torch.rand(2, 2000)}


def whisper():
    config = hf.WhisperConfig(
        num_mel_bins=16,
        max_source_positions=50,
        max_target_positions=32,
        use_cache=False,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        begin_suppress_tokens=None,
        vocab_size=97,
        **DECODER,
    )
    inputs = {"input_features": torch.rand(2, 16, 100), "decoder_input_ids": torch.randint(3, 90, (2, 7))}
    return hf.WhisperForConditionalGeneration(config), inputs


DEPTHS = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}
MODELS = {
    "clip": clip,
    "convnext": model("ConvNextForImageClassification", "ConvNextConfig", **DEPTHS),
    "detr": detr,
    "efficientnet": model(
        "EfficientNetForImageClassification",
        "EfficientNetConfig",
        width_coefficient=0.25,
        depth_coefficient=0.4,
        hidden_dim=320,
    ),
    "mobilenet v2": model("MobileNetV2ForImageClassification", "MobileNetV2Config", depth_multiplier=0.25),
    "regnet": model("RegNetForImageClassification", "RegNetConfig", embedding_size=8, groups_width=8, **DEPTHS),
    "resnet": model("ResNetForImageClassification", "ResNetConfig", embedding_size=8, **DEPTHS),
    "segformer": model(
        "SegformerForSemanticSegmentation",
        "SegformerConfig",
        num_attention_heads=[1, 2, 3, 4],
        decoder_hidden_size=16,
        **DEPTHS,
    ),
    "swin": model(
        "SwinForImageClassification",
        "SwinConfig",
        image_size=64,
        embed_dim=16,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=4,
    ),
    "vit": model("ViTForImageClassification", "ViTConfig", image_size=64, patch_size=16, **SMALL),
    "wav2vec2": wav2vec2,
    "whisper": whisper,
}
