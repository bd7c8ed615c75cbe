"""A step that waits for no device: on the meta device there is no value to be waited for."""

import pytest
import torch

from tabgan.data.batches import BatchLoader, EpochOrder
from tabgan.models.chain import expected_log


class Alone:
    """What a step asks of a Trainer."""

    global_step, num_training_batches, max_epochs, max_steps = 3, 4, 5, -1
    log_every_n_steps = 50


@pytest.mark.parametrize("model", ["cgan", "cgan_basic"])
def test_a_step_and_its_batch_read_nothing_back_from_the_device(training, model):
    ran = training(model=model)
    rows, condition = (part.to("meta") for part in ran.data.coded("train"))
    module = ran.module.to("meta")
    module.trainer = Alone()
    module.on_train_start()
    order = EpochOrder(len(rows), seed=0)
    real, of_class = next(iter(BatchLoader(rows, condition, batch_size=50, order=order)))
    fake = module._generate(of_class)
    critic_loss, real_logits, _ = module._critic_loss(real, fake.detach(), of_class)
    critic_loss.backward()
    generator_loss = module._generator_loss(real_logits.detach(), fake, of_class)
    generator_loss.backward()
    gradients = [parameter.grad for parameter in module.generator.parameters() if len(parameter)]
    assert {gradient.device.type for gradient in gradients} == {"meta"}


def test_a_step_of_the_likelihood_reads_nothing_back_from_the_device(training):
    ran = training(model="cgan")
    chain, codes = ran.module.chain.to("meta"), ran.data.coded("train")[0].codes.to("meta")
    shown = torch.rand(len(codes), device="meta") < 0.5
    before = chain.log_shares(codes)
    loss = chain.log_likelihood(codes, shown=shown) + expected_log(before, before)
    loss.mean().backward()
    gradients = [parameter.grad for parameter in chain.parameters() if len(parameter)]
    assert {gradient.device.type for gradient in gradients} == {"meta"}
