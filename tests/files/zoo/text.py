"""Language models of transformers, small and with chance weights."""

import os
import warnings

import torch

os.environ["HF_HUB_OFFLINE"] = "1"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import transformers as hf

WORDS = 97
BERT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": WORDS,
}
LLAMA = BERT | {"num_key_value_heads": 2, "use_cache": False, "max_position_embeddings": 64}
BART = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 64,
    "use_cache": False,
    "vocab_size": WORDS,
}


def words(batch=2, time=11):
    return torch.randint(3, 90, (batch, time))


def model(name, config, **settings):
    """A maker of a model that takes tokens."""
    return lambda: (getattr(hf, name)(getattr(hf, config)(**settings)), {"input_ids": words()})


def pair(name, config, **settings):
    """A maker of a model with an encoder and a decoder."""

    def make():
        inputs = {"input_ids": words(), "decoder_input_ids": words(2, 7)}
        return getattr(hf, name)(getattr(hf, config)(**settings)), inputs

    return make


def masked():
    inputs = {"input_ids": words(), "attention_mask": torch.ones(2, 11, dtype=torch.int64)}
    inputs["attention_mask"][0, 8:] = 0
    return hf.BertForSequenceClassification(hf.BertConfig(num_labels=3, **BERT)), inputs


GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "use_cache": False, "vocab_size": WORDS}
ENDS = {"bos_token_id": 1, "eos_token_id": 2}
T5 = {
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 64,
    "num_layers": 2,
    "num_heads": 4,
    "use_cache": False,
    "decoder_start_token_id": 0,
    "vocab_size": WORDS,
}
MODELS = {
    "albert": model("AlbertForMaskedLM", "AlbertConfig", embedding_size=16, **BERT),
    "bart": pair("BartForConditionalGeneration", "BartConfig", forced_eos_token_id=None, **BART),
    "bert": model("BertForMaskedLM", "BertConfig", **BERT),
    "bert with a mask": masked,
    "bloom": model(
        "BloomForCausalLM", "BloomConfig", hidden_size=32, n_layer=2, n_head=4, use_cache=False, vocab_size=WORDS
    ),
    "deberta v2": model(
        "DebertaV2ForMaskedLM",
        "DebertaV2Config",
        relative_attention=True,
        position_buckets=8,
        pos_att_type=["p2c", "c2p"],
        max_position_embeddings=64,
        **BERT,
    ),
    "distilbert": model(
        "DistilBertForMaskedLM", "DistilBertConfig", dim=32, n_layers=2, n_heads=4, hidden_dim=64, vocab_size=WORDS
    ),
    "electra": model("ElectraForMaskedLM", "ElectraConfig", embedding_size=16, **BERT),
    "gemma": model("GemmaForCausalLM", "GemmaConfig", head_dim=8, **LLAMA),
    "gemma 2": model("Gemma2ForCausalLM", "Gemma2Config", head_dim=8, **LLAMA),
    "gpt-2": model("GPT2LMHeadModel", "GPT2Config", **GPT2, **ENDS),
    "gpt-neo": model(
        "GPTNeoForCausalLM",
        "GPTNeoConfig",
        hidden_size=32,
        num_layers=2,
        num_heads=4,
        attention_types=[[["global", "local"], 1]],
        max_position_embeddings=64,
        window_size=8,
        use_cache=False,
        vocab_size=WORDS,
        **ENDS,
    ),
    "gpt-neox": model("GPTNeoXForCausalLM", "GPTNeoXConfig", use_cache=False, max_position_embeddings=64, **BERT),
    "llama": model("LlamaForCausalLM", "LlamaConfig", **LLAMA),
    "mamba": model(
        "MambaForCausalLM",
        "MambaConfig",
        hidden_size=32,
        state_size=8,
        num_hidden_layers=2,
        use_cache=False,
        vocab_size=WORDS,
    ),
    "mistral": model("MistralForCausalLM", "MistralConfig", head_dim=8, sliding_window=8, **LLAMA),
    "opt": model(
        "OPTForCausalLM",
        "OPTConfig",
        hidden_size=32,
        ffn_dim=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        word_embed_proj_dim=32,
        use_cache=False,
        max_position_embeddings=64,
        vocab_size=WORDS,
    ),
    "phi": model("PhiForCausalLM", "PhiConfig", **LLAMA),
    "qwen2 tied": model("Qwen2ForCausalLM", "Qwen2Config", tie_word_embeddings=True, **LLAMA),
    "qwen3 experts": model(
        "Qwen3MoeForCausalLM",
        "Qwen3MoeConfig",
        moe_intermediate_size=32,
        head_dim=8,
        num_experts=4,
        num_experts_per_tok=2,
        experts_implementation="batched_mm",  # else its library calls an operation of its own
        **LLAMA,
    ),
    "roberta": model("RobertaForMaskedLM", "RobertaConfig", max_position_embeddings=64, **BERT),
    "t5": pair("T5ForConditionalGeneration", "T5Config", **T5),
}
