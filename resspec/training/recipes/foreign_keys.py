"""The keys and names of other trainers, and what they are called in a recipe.

From PyTorch and torchvision's references, timm, Lightning, Keras, Ultralytics, OpenMMLab and Hugging Face; and what recipes
themselves had before 0.2. A word that is also a key of a recipe is here only if its value needs to be converted.

Words are compared by their letters and digits: `batch_size` is also `batch-size`, `batchSize` and `batchsize`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Carry = Literal[
    "same",  # the value as it is
    "epochs",
    "iterations",  # a number, as a length
    "list of epochs",
    "list of iterations",  # numbers, as lengths
    "kind",  # the name of an optimizer, schedule or loss, translated by `KINDS`
    "length",  # `90 epochs` as `epochs: 90`
    "share of the lr",  # a learning rate, as a share of the one of the optimizer
    "times the lr",  # the other way round
    "share of the duration",  # in proportion to the whole training
    "first beta",
    "second beta",  # one of two, as a list
    "first of a list",
    "last of a list",  # `[3, 224, 224]` as 3, as 224
    "policy",  # timm's and torchvision's words for automatic augmentation
    "image size",  # of training and test, each by the transforms that are there
    "share of the crop",  # timm's `crop_pct`, as the size before the crop
    "batches together",  # gradient accumulation
]


class Called(NamedTuple):
    """Words for one of our keys.

    Attributes:
        words: What others call it.
        key: What a recipe calls it.
        carry: How the value is carried over.
        kind: The name of the section that it goes into, if the key does not tell.
    """

    words: str
    key: str
    carry: Carry = "same"
    kind: str = ""


CALLED = (
    # optimizer
    Called(
        "learning_rate rate lr0 base_lr initial_lr initial_learning_rate init_lr max_lr peak_lr eta0",
        "optimizer.lr",
    ),
    Called("wd l2 weight_decay_rate l2_regularization", "optimizer.weight_decay"),
    Called("beta_1 adam_beta1", "optimizer.betas", "first beta"),
    Called("beta_2 adam_beta2", "optimizer.betas", "second beta"),
    Called("opt_betas adam_betas adamw_betas", "optimizer.betas"),
    Called("epsilon opt_eps adam_epsilon adam_eps", "optimizer.eps"),
    Called("opt optim optimizer_name optimizer_type", "optimizer.name", "kind"),
    Called("use_nesterov", "optimizer.nesterov"),
    # length
    Called(
        "num_epochs max_epochs n_epochs nb_epochs nb_epoch num_train_epochs train_epochs total_epochs",
        "epochs",
    ),
    Called(
        "max_steps num_steps total_steps train_steps max_iter max_iters num_iterations total_iters steps",
        "iterations",
    ),
    Called("duration", "epochs", "length"),
    # batch
    Called(
        "batch bs train_batch_size total_batch_size global_batch_size mini_batch_size", "batch_size"
    ),
    Called(
        "per_device_train_batch_size per_gpu_train_batch_size batch_size_per_gpu samples_per_gpu",
        "batch_size",
    ),
    Called(
        "accumulate_grad_batches gradient_accumulation_steps grad_accum_steps accumulation_steps accumulate",
        "batch_size",
        "batches together",
    ),
    Called("micro_batch", "micro_batch_size"),
    Called("bn_batch virtual_batch_size ghost_batch_size", "bn_batch_size"),
    Called("exact_bn", "precise_bn"),
    # schedule
    Called(
        "sched scheduler lr_scheduler lr_schedule lr_scheduler_type scheduler_type lr_policy",
        "schedule.name",
        "kind",
    ),
    Called("lr_gamma decay_rate lr_decay_rate decay_factor lr_factor", "schedule.gamma"),
    Called(
        "step_size lr_step_size decay_epochs lr_decay_epochs lr_drop",
        "schedule.step_size",
        "epochs",
    ),
    Called("decay_steps lr_decay_steps", "schedule.step_size", "iterations"),
    Called(
        "milestones lr_milestones decay_milestones lr_steps",
        "schedule.milestones",
        "list of epochs",
    ),
    Called("boundaries", "schedule.milestones", "list of iterations"),
    Called(
        "lr_min eta_min end_lr final_lr min_learning_rate end_learning_rate",
        "schedule.min_lr",
        "same",
        "cosine",
    ),
    Called("floor min_lr_ratio min_lr_rate", "schedule.min_lr", "times the lr", "cosine"),
    Called("lrf", "schedule.min_lr", "times the lr", "linear"),
    Called("patience_epochs lr_patience", "schedule.patience"),
    Called("least min_delta", "schedule.threshold"),
    # warm-up
    Called("warmup_epochs lr_warmup_epochs num_warmup_epochs warmup_t", "warmup.length", "epochs"),
    Called(
        "warmup_steps warmup_iters num_warmup_steps lr_warmup_steps warmup_iterations",
        "warmup.length",
        "iterations",
    ),
    Called("warmup_ratio warmup_proportion", "warmup.length", "share of the duration"),
    Called("warmup_lr warmup_lr_init warmup_init_lr", "warmup.start_factor", "share of the lr"),
    Called(
        "warmup_decay lr_warmup_decay warmup_factor warmup_start_factor",
        "warmup.start_factor",
    ),
    Called("lr_warmup_method warmup_method warmup_mode", "warmup.method"),
    # loss and gradients
    Called("criterion loss_fn loss_function objective", "loss", "kind"),
    Called("smoothing label_smooth smoothing_factor label_smoothing_factor", "label_smoothing"),
    Called("bce_target_thresh", "bce_threshold"),
    Called(
        "clip clip_grad grad_clip grad_clip_norm gradient_clip_val gradient_clipping max_grad_norm max_norm "
        "clipnorm global_clipnorm",
        "clip_grad_norm",
    ),
    Called("norm_decay weight_decay_norm bias_weight_decay", "norm_weight_decay"),
    # average
    Called("ema_decay model_ema_decay ema_momentum averaging_decay", "ema.decay"),
    Called("ema_steps model_ema_steps ema_update_every ema_update_interval", "ema.every"),
    # images
    Called(
        "img_size image_size input_size imgsz resolution train_crop_size train_size input_resolution",
        "data.random_resized_crop.size",
        "image size",
    ),
    Called("rrc_scale resize_scale crop_scale", "data.random_resized_crop.scale"),
    Called("rrc_ratio resize_ratio crop_ratio", "data.random_resized_crop.ratio"),
    Called("val_resize_size val_resize test_resize eval_resize resize_size", "data.test.resize"),
    Called(
        "val_crop_size test_crop_size test_crop val_crop eval_crop test_size test_input_size",
        "data.test.crop",
        "last of a list",
    ),
    Called("crop_pct test_crop_pct", "data.test.resize", "share of the crop"),
    Called("fliplr hflip_prob flip_prob", "data.hflip"),
    Called("normalise normalization", "data.normalize"),
    Called("train_interpolation", "data.interpolation"),
    Called("test_interpolation val_interpolation eval_interpolation", "data.test.interpolation"),
    Called("aa auto_augment", "data.randaugment", "policy"),
    Called("ra_magnitude randaugment_magnitude", "data.randaugment.magnitude"),
    Called("operations ra_num_ops randaugment_n", "data.randaugment.num_ops"),
    Called(
        "erase reprob random_erasing erasing erase_prob random_erasing_prob", "data.random_erase"
    ),
    Called("mixup_alpha mix_up", "data.mixup"),
    Called("cutmix_alpha", "data.cutmix"),
    Called("repeated ra_reps", "data.aug_repeats"),
    Called("pad padding_size pad_size", "data.padding"),
    # what is written, and when
    Called("log_interval log_every log_freq log_every_n_steps logging_steps print_freq", "log"),
    Called(
        "eval_freq eval_interval eval_every val_interval val_freq test_interval check_val_every_n_epoch validation_freq",
        "evaluate",
        "epochs",
    ),
    Called("eval_steps val_check_interval", "evaluate", "iterations"),
    Called(
        "save_period save_freq save_interval save_every checkpoint_interval ckpt_interval every_n_epochs",
        "checkpoint",
        "epochs",
    ),
    Called("save_steps checkpoint_steps every_n_train_steps", "checkpoint", "iterations"),
    Called("save_total_limit save_top_k checkpoint_hist max_to_keep max_keep_ckpts", "keep"),
    Called("validation_split val_split val_fraction validation_fraction", "holdout"),
    # how it is computed
    Called("amp_dtype dtype mixed_precision", "precision", "kind"),
    Called("torch_compile use_compile", "compile"),
    Called("description notes comment author", "source"),
)

# Words whose values decide what is written: by the value, or by "" for every other one.
BY_VALUE: dict[str, dict[str, str]] = {
    "amp use_amp native_amp": {"true": "precision: auto", "false": "precision: fp32"},
    "fp16 half": {"true": "precision: fp16", "false": "precision: fp32"},
    "bf16": {"true": "precision: bf16", "false": "precision: fp32"},
    "cos_lr cosine use_cosine": {"true": "schedule.name: cosine", "false": "schedule.name: linear"},
    "t_max": {"": "schedule.name: cosine"},
    "model_ema use_ema": {"true": "ema.decay: 0.9999", "false": "ema: null"},
    "flip horizontal_flip random_flip random_horizontal_flip": {
        "": "data.hflip: 0.5",
        "0": "data.hflip: 0",
        "false": "data.hflip: 0",
    },
    "colour color": {
        "pca": "data.lighting: 0.1",
        "jitter": "data.color_jitter: 0.4",
    },
    "rate_changes": {
        "each iteration": "lr_interval: iteration",
        "each epoch": "lr_interval: epoch",
    },
    "sched_on_updates step_on_epochs": {
        "true": "lr_interval: iteration",
        "false": "lr_interval: epoch",
    },
    "ra_sampler repeated_aug repeated_augmentation": {
        "true": "data.aug_repeats: 3",
        "false": "data.aug_repeats: 1",
    },
    "bce_loss": {"true": "loss: bce", "false": "loss: cross-entropy"},
    "filter_bias_and_bn no_bias_decay no_norm_decay": {
        "true": "norm_weight_decay: 0",
        "false": "norm_weight_decay: null",
    },
    "decay_norms": {
        "true": "norm_weight_decay: null",
        "false": "norm_weight_decay: 0",
    },
}

# What is not a matter of a recipe: why, where it belongs or what to do, and the name of a remedy.
ELSEWHERE: dict[str, tuple[str, str] | tuple[str, str, str]] = {
    "augment augmentation augmentations transform transforms train_transforms train_transform": (
        "the transforms of images are keys of `data`",
        "write, for example, `data: {random_resized_crop: 224, hflip: 0.5}`",
    ),
    "seed random_seed manual_seed random_state global_seed": (
        "the seed belongs to the command that trains",
        "leave it out here and give the seed to the command",
        "seed",
    ),
    "workers num_workers n_workers n_jobs dataloader_num_workers": (
        "the number of processes that read images belongs to the command that trains",
        "leave it out here and give the number to the command",
        "workers",
    ),
    "device devices gpu gpus num_gpus ngpus accelerator cuda": (
        "the device belongs to the command that trains",
        "leave it out here and give the device to the command",
        "device",
    ),
    "world_size distributed strategy num_nodes dist_backend ddp local_rank": (
        "several processes are started by torchrun, and a recipe is the same for any number of them",
        "leave it out",
    ),
    "model model_name arch architecture backbone net network": (
        "the network has a spec of its own",
        "leave it out here and give the spec to the command",
    ),
    "num_classes nb_classes n_classes classes nc": (
        "the number of classes belongs to the network's spec",
        "leave it out here and end the spec with, say, `fc 10`",
    ),
    "drop dropout drop_rate dropout_rate": (
        "dropout belongs to the network's spec",
        "leave it out here and write, say, `dropout 0.2` in the spec",
    ),
    "bn_momentum bn_eps bn_epsilon": (
        "batch norm's `momentum` and `eps` belong to the network's spec",
        "leave it out here",
    ),
    "pretrained weights init_weights initial_checkpoint load_from finetune checkpoint_path": (
        "the weights to start from belong to the command that trains",
        "leave it out here and give them to the command",
        "starting weights",
    ),
    "resume resume_from resume_from_checkpoint auto_resume start_epoch last_epoch initial_epoch": (
        "running the same command again resumes a run",
        "leave it out",
    ),
    "dataset data_dir data_path data_root train_dir val_dir root": (
        "the data set belongs to the command that trains",
        "leave it out here and give its name or folder to the command",
        "data set",
    ),
    "output output_dir out_dir save_dir log_dir work_dir project experiment name run_name default_root_dir": (
        "the folder of a run belongs to the command that trains",
        "leave it out here",
        "run folder",
    ),
    "tensorboard wandb logger report_to log_wandb callbacks hooks verbose": (
        "what else is written during a run belongs to the command that trains",
        "leave it out here",
    ),
    "mean std img_mean img_std image_mean image_std norm_mean norm_std": (
        "the mean and the standard deviation come with the data set",
        "leave it out",
    ),
    "shuffle drop_last": ("every epoch is shuffled, and every batch is full", "leave it out"),
    "pin_memory pin_mem persistent_workers prefetch_factor prefetch channels_last deterministic benchmark cudnn_benchmark": (
        "the trainer decides this by itself, and results are reproducible bit for bit",
        "leave it out",
    ),
    "eval_batch_size val_batch_size test_batch_size per_device_eval_batch_size validation_batch_size": (
        "the trainer decides how many images it tests with at a time",
        "leave it out",
    ),
    "sync_bn sync_batchnorm": (
        "batch norm sees the images of one process, as many at a time as `bn_batch_size` says",
        "leave it out, or set `bn_batch_size`",
    ),
    "trainer training train hyperparameters hparams hyp hyp_params config args params solver recipe train_cfg": (
        "the keys of a recipe are at its top level",
        "move its keys to the top level",
    ),
}

# What a recipe cannot say.
ABSENT = {
    "drop_path drop_path_rate stochastic_depth stochastic_depth_prob drop_block": "stochastic depth is not available",
    "vflip flipud vertical_flip degrees rotation shear translate hsv_h hsv_s hsv_v mosaic copy_paste": "this augmentation is not available; `trivialaugment` and `randaugment` have several",
    "mixup_prob mixup_switch_prob mixup_mode mixup_off_epoch cutmix_minmax close_mosaic": "every batch is mixed, by `data.mixup` and `data.cutmix`",
    "remode recount resplit": "one rectangle is erased, with the probability `data.random_erase`",
    "dampening amsgrad maximize rho centered trust_coefficient layer_decay lookahead": "the optimizers do not have this option",
    "clip_value clip_mode gradient_clip_algorithm": "gradients are clipped by their norm, to `clip_grad_norm`",
    "early_stopping early_stop early_stopping_patience": "training always ends after `epochs` or `iterations`",
    "class_weight class_weights pos_weight sampler weighted_sampler": "all images have the same weight",
    "freeze freeze_bn freeze_layers unfreeze_epoch": "all weights are trained",
    "pct_start div_factor final_div_factor onecycle cycle_momentum": "the one-cycle schedule is not available; `warmup` with `schedule: cosine` is close to it",
    "t_0 t_mult num_cycles cycle_decay cooldown_epochs": "the schedules do not have this option",
}

# What others call optimizers, schedules, losses and precisions, in lower case without signs and without what is before a point.
KINDS: dict[str, dict[str, str]] = {
    "optimizer.name": {
        "sgdm": "sgd",
        "momentum": "sgd",
        "nesterov": "sgd",
        "adamwtorch": "adamw",
        "adamwtorchfused": "adamw",
        "fusedadamw": "adamw",
        "fusedlamb": "lamb",
    },
    "schedule.name": {
        "cos": "cosine",
        "cosineannealing": "cosine",
        "cosineannealinglr": "cosine",
        "cosinelr": "cosine",
        "cosinedecay": "cosine",
        "cosineschedule": "cosine",
        "cosinelrscheduler": "cosine",
        "steplr": "step",
        "steplrscheduler": "step",
        "multisteplr": "multistep",
        "piecewiseconstantdecay": "multistep",
        "multisteplrscheduler": "multistep",
        "linearlr": "linear",
        "lineardecay": "linear",
        "reducelronplateau": "plateau",
        "plateaulrscheduler": "plateau",
        "none": "constant",
        "null": "constant",
        "false": "constant",
        "off": "constant",
        "fixed": "constant",
        "constantlr": "constant",
        "constantwithwarmup": "constant",
    },
    "loss": {
        "ce": "cross-entropy",
        "crossentropyloss": "cross-entropy",
        "categoricalcrossentropy": "cross-entropy",
        "sparsecategoricalcrossentropy": "cross-entropy",
        "softmax": "cross-entropy",
        "nll": "cross-entropy",
        "softtargetcrossentropy": "cross-entropy",
        "labelsmoothingcrossentropy": "cross-entropy",
        "bceloss": "bce",
        "bcewithlogitsloss": "bce",
        "bcewithlogits": "bce",
        "binarycrossentropy": "bce",
    },
    "data.normalize": {"imagenet": "channel", "meanstd": "channel", "true": "channel"},
    "precision": {
        "16": "fp16",
        "16mixed": "fp16",
        "16true": "fp16",
        "float16": "fp16",
        "half": "fp16",
        "bf16mixed": "bf16",
        "bf16true": "bf16",
        "bfloat16": "bf16",
        "32": "fp32",
        "32true": "fp32",
        "float32": "fp32",
        "full": "fp32",
        "no": "fp32",
        "none": "fp32",
        "tf32": "fp32",
        "amp": "auto",
        "mixed": "auto",
    },
}

# Optimizers and schedules of others that there are not, and what comes near.
LACKING = {
    "adam": "write `adamw` with `weight_decay: 0`, which takes the same steps",
    "rmsprop": "write `sgd` or `adamw`",
    "onecycle": "write `cosine`, with a `warmup`",
    "onecyclelr": "write `cosine`, with a `warmup`",
    "exponential": "write `step` with a `gamma` and a short `step_size`",
    "exponentiallr": "write `step` with a `gamma` and a short `step_size`",
    "poly": "write `linear`",
    "polynomial": "write `linear`",
    "polynomiallr": "write `linear`",
}

# Of these, the ones whose keys are those of a kind that there is.
ALIKE = {"adam": "adamw"}

# Keys of one kind of optimizer or schedule that another one calls otherwise.
OF_ANOTHER_KIND = {
    ("adamw", "momentum"): Called("", "optimizer.betas", "first beta"),
    ("lamb", "momentum"): Called("", "optimizer.betas", "first beta"),
    ("sgd", "betas"): Called("", "optimizer.momentum", "first of a list"),
    ("cosine", "factor"): Called("", "schedule.min_lr", "times the lr"),
    ("linear", "factor"): Called("", "schedule.min_lr", "times the lr"),
    ("step", "factor"): Called("", "schedule.gamma"),
    ("multistep", "factor"): Called("", "schedule.gamma"),
    ("plateau", "gamma"): Called("", "schedule.factor"),
    ("step", "every"): Called("", "schedule.step_size"),
    ("multistep", "at"): Called("", "schedule.milestones"),
}
